//! Addresses: which are of the public internet, and ranges of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The IPv4 addresses that are no host of the public internet, and those by which clouds tell their machines secrets.
const NOT_PUBLIC_V4: [Range; 17] = [
    // "This network"; of Linux, this machine.
    Range::v4([0, 0, 0, 0], 8),
    Range::v4([10, 0, 0, 0], 8),
    // What providers share among their customers, and the metadata of Alibaba's cloud.
    Range::v4([100, 64, 0, 0], 10),
    Range::v4([127, 0, 0, 0], 8),
    // Link-local, and the metadata of most clouds.
    Range::v4([169, 254, 0, 0], 16),
    // Azure's host, which has the look of a public address.
    Range::v4([168, 63, 129, 16], 32),
    Range::v4([172, 16, 0, 0], 12),
    // Protocol assignments, and the metadata of Oracle's cloud.
    Range::v4([192, 0, 0, 0], 24),
    Range::v4([192, 0, 2, 0], 24),
    // Relays of 6to4.
    Range::v4([192, 88, 99, 0], 24),
    Range::v4([192, 168, 0, 0], 16),
    Range::v4([198, 18, 0, 0], 15),
    Range::v4([198, 51, 100, 0], 24),
    Range::v4([203, 0, 113, 0], 24),
    // Multicast; then what is reserved, and broadcast.
    Range::v4([224, 0, 0, 0], 4),
    Range::v4([240, 0, 0, 0], 4),
    Range::v4([255, 255, 255, 255], 32),
];

/// The only IPv6 addresses that are given out for the public internet. Loopback, link-local, unique local, site-local, multicast and
/// the unspecified address are all outside, and so are the metadata of clouds (`fd00:ec2::254`, `fd20:ce::254`).
const GLOBAL_V6: Range = Range::v6([0x2000, 0, 0, 0], 3);

/// Those of them that are no host of it, or are the way to an IPv4 address that the network chooses.
const NOT_PUBLIC_V6: [Range; 4] = [
    // Protocol assignments: Teredo, benchmarking, ORCHID.
    Range::v6([0x2001, 0, 0, 0], 23),
    Range::v6([0x2001, 0xdb8, 0, 0], 32),
    // 6to4.
    Range::v6([0x2002, 0, 0, 0], 16),
    Range::v6([0x3fff, 0, 0, 0], 20),
];

/// NAT64: an IPv4 address is the end of each. A network without IPv4 gives every name of an IPv4 host such an address.
const NAT64: Range = Range::v6([0x64, 0xff9b, 0, 0], 96);

/// Whether it is an address of the public internet.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(_) => !NOT_PUBLIC_V4.iter().any(|range| range.contains(address)),
        IpAddr::V6(long) if NAT64.contains(address) => is_public(IpAddr::V4(low_bits(long))),
        IpAddr::V6(_) => GLOBAL_V6.contains(address) && !NOT_PUBLIC_V6.iter().any(|range| range.contains(address)),
    }
}

/// Its last 32 bits.
fn low_bits(address: Ipv6Addr) -> Ipv4Addr {
    let [.., a, b, c, d] = address.octets();
    Ipv4Addr::new(a, b, c, d)
}

/// The addresses that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    first: IpAddr,
    bits: u32,
}

impl Range {
    const fn v4([a, b, c, d]: [u8; 4], bits: u32) -> Range {
        Range { first: IpAddr::V4(Ipv4Addr::new(a, b, c, d)), bits }
    }

    const fn v6([a, b, c, d]: [u16; 4], bits: u32) -> Range {
        Range { first: IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)), bits }
    }

    /// An address, or a range as `10.0.0.0/8`.
    pub(super) fn parse(text: &str) -> Option<Range> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits: u32 = match bits {
            Some(bits) if bits.bytes().all(|byte| byte.is_ascii_digit()) => {
                bits.parse().ok().filter(|bits| *bits <= all)?
            }
            Some(_) => return None,
            None => all,
        };
        match address.to_canonical() {
            // An IPv4 address in the clothes of an IPv6 one.
            first @ IpAddr::V4(_) if all == 128 => Some(Range { first, bits: bits.checked_sub(96)? }),
            first => Some(Range { first, bits }),
        }
    }

    /// Whether this address is among them. One of IPv4 is the same within IPv6.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= self.bits,
            (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= self.bits,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last of each class, and their neighbours.
    const CLASSES: &[(&str, &[&str], &[&str])] = &[
        ("unspecified", &["0.0.0.0", "0.255.255.255", "::"], &["1.0.0.0"]),
        ("loopback", &["127.0.0.1", "127.255.255.255", "::1"], &["126.255.255.255", "128.0.0.0"]),
        (
            "private",
            &["10.0.0.0", "10.255.255.255", "172.16.0.0", "172.31.255.255", "192.168.0.0", "192.168.255.255"],
            &["9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0"],
        ),
        ("link-local", &["169.254.0.0", "169.254.255.255", "fe80::", "febf::1"], &["169.253.255.255", "169.255.0.0"]),
        ("unique local", &["fc00::", "fd12:3456::1", "fdff:ffff::1"], &[]),
        ("site-local", &["fec0::1", "feff::1"], &[]),
        (
            "metadata",
            &[
                "169.254.169.254",
                "169.254.170.2",
                "fd00:ec2::254",
                "fd20:ce::254",
                "100.100.100.200",
                "192.0.0.192",
                "168.63.129.16",
            ],
            &["168.63.129.15", "168.63.129.17"],
        ),
        ("shared", &["100.64.0.0", "100.127.255.255"], &["100.63.255.255", "100.128.0.0"]),
        ("benchmarking", &["198.18.0.0", "198.19.255.255", "2001:2::1"], &["198.17.255.255", "198.20.0.0"]),
        (
            "documentation",
            &["192.0.2.1", "198.51.100.1", "203.0.113.255", "2001:db8::1", "3fff::1", "3fff:fff::1"],
            &["192.0.3.0", "198.51.101.0", "203.0.114.0", "2001:db9::1", "3ffe::1", "3fff:1000::1"],
        ),
        ("multicast", &["224.0.0.0", "239.255.255.255", "ff02::1", "ff0e::1"], &["223.255.255.255"]),
        (
            "reserved",
            &["240.0.0.0", "255.255.255.255", "192.0.0.1", "100::1", "5f00::1", "4000::1", "1fff::1"],
            &["2600::1"],
        ),
        ("mapped", &["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254"], &["::ffff:1.1.1.1"]),
        ("compatible", &["::127.0.0.1", "::1.1.1.1", "::ffff:0:1.1.1.1"], &[]),
        ("NAT64", &["64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1.1.1.1"], &["64:ff9b::1.1.1.1"]),
        ("6to4", &["2002:7f00:1::", "2002:101:101::1", "192.88.99.1"], &["2003::1"]),
        ("Teredo", &["2001::1", "2001:0:7f00:1::", "2001:1ff::1"], &["2001:200::1"]),
        ("public", &[], &["1.1.1.1", "8.8.8.8", "2606:4700::1111", "2a00::1", "3ff0::1"]),
    ];

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_addresses_of_the_public_internet_are_public() {
        for (class, refused, public) in CLASSES {
            for text in *refused {
                assert!(!is_public(address(text)), "{class}: {text}");
            }
            for text in *public {
                assert!(is_public(address(text)), "beside {class}: {text}");
            }
        }
    }

    /// Numbers that a test can repeat.
    fn numbers() -> impl Iterator<Item = u64> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        })
    }

    #[test]
    fn an_ipv4_address_is_as_public_as_its_forms_in_ipv6() {
        let edges = CLASSES.iter().flat_map(|(_, refused, public)| refused.iter().chain(*public));
        let edges = edges.filter_map(|text| text.parse::<Ipv4Addr>().ok());
        for short in edges.chain(numbers().take(20_000).map(|number| Ipv4Addr::from_bits(number as u32))) {
            let is_public = is_public(IpAddr::V4(short));
            assert_eq!(super::is_public(IpAddr::V6(short.to_ipv6_mapped())), is_public, "{short}");
            let nat64 = Ipv6Addr::from_bits(0x64_ff9b << 96 | u128::from(short.to_bits()));
            assert_eq!(super::is_public(IpAddr::V6(nat64)), is_public, "{nat64}");
            assert!(!super::is_public(IpAddr::V6(Ipv6Addr::from_bits(short.to_bits().into()))), "compatible {short}");
            let six_to_four = Ipv6Addr::from_bits(0x2002 << 112 | u128::from(short.to_bits()) << 80 | 1);
            assert!(!super::is_public(IpAddr::V6(six_to_four)), "{six_to_four}");
        }
    }

    #[test]
    fn nothing_is_public_that_the_standard_library_knows_as_special() {
        let refused = |address: IpAddr| match address {
            IpAddr::V4(a) => {
                a.is_private()
                    || a.is_loopback()
                    || a.is_link_local()
                    || a.is_multicast()
                    || a.is_broadcast()
                    || a.is_documentation()
                    || a.is_unspecified()
            }
            IpAddr::V6(a) => {
                a.is_loopback()
                    || a.is_unspecified()
                    || a.is_multicast()
                    || a.is_unique_local()
                    || a.is_unicast_link_local()
            }
        };
        let mut numbers = numbers();
        for _ in 0..20_000 {
            let (a, b) = (numbers.next().unwrap(), numbers.next().unwrap());
            for address in [
                IpAddr::V4(Ipv4Addr::from_bits(a as u32)),
                IpAddr::V6(Ipv6Addr::from_bits(u128::from(a) << 64 | u128::from(b))),
            ] {
                assert!(!(is_public(address) && refused(address)), "{address}");
            }
        }
    }

    #[test]
    fn a_range_has_the_addresses_that_begin_with_its_bits() {
        for (range, within, without) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.168.7.4/30", "192.168.7.7", "192.168.7.8"),
            ("127.0.0.1", "127.0.0.1", "127.0.0.2"),
            ("127.0.0.1", "::ffff:127.0.0.1", "::1"),
            ("::ffff:10.0.0.0/104", "10.1.1.1", "11.1.1.1"),
            ("fd00::/8", "fdff::1", "fc00::1"),
            ("::1", "::1", "::2"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("::/0", "ffff::1", "1.1.1.1"),
        ] {
            let parsed = Range::parse(range).unwrap();
            assert!(parsed.contains(address(within)), "{within} in {range}");
            assert!(!parsed.contains(address(without)), "{without} not in {range}");
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "::/129",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "10.0.0/8",
            "localhost",
            "[::1]",
            "0x7f.1",
            "1.1.1.1:80",
            "::ffff:1.1.1.1/64",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
