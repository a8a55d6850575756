//! What may be fetched, by lines: a rule, an address or a range, a URL, what it redirects to, and addresses that its name leads to. Nothing is
//! looked up or connected to.
#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use aiointernal::js::FetchGrant;
use libfuzzer_sys::fuzz_target;
use url::{Host, Url};

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.split('\n');
    let [rule, range, url, location] = [(); 4].map(|()| lines.next().unwrap_or_default());
    let found: Vec<IpAddr> = lines.filter_map(|line| line.parse().ok()).collect();
    let redirected = Url::parse(url).and_then(|url| url.join(location)).map(String::from).unwrap_or_default();
    let public = FetchGrant::new();
    let public = ["* http://*:*", "* https://*:*"].into_iter().try_fold(public, |grant, rule| grant.allow(rule));
    let public = public.expect("these are rules");
    for url in [url, &redirected] {
        for address in reached(&public, url, &found) {
            assert!(!is_private(address), "{url} reaches {address}");
        }
        if let Ok(grant) = FetchGrant::new().allow(rule) {
            let named = rule.rsplit_once(' ').map_or(rule, |(_, place)| place);
            for address in reached(&grant, url, &found) {
                let is_named = literal(named.strip_suffix(":*").unwrap_or(named)) == Some(address);
                assert!(is_named || !is_private(address), "{rule} reaches {address} by {url}");
            }
        }
        if let Ok(grant) = public.clone().allow_address(range) {
            let (first, _) = range.split_once('/').unwrap_or((range, ""));
            let first: IpAddr = first.parse().expect("it is an address");
            for address in reached(&grant, url, &found) {
                let is_of_its_kind = address.to_canonical().is_ipv4() == first.to_canonical().is_ipv4();
                assert!(is_of_its_kind || !is_private(address), "{range} grants {address}");
            }
        }
    }
});

/// What is connected to for a URL. Only `cargo xtask fuzz` can ask.
fn reached(grant: &FetchGrant, url: &str, found: &[IpAddr]) -> Vec<IpAddr> {
    #[cfg(fuzzing)]
    let reached = aiointernal::js::fuzzing::reached(grant, "GET", url, found);
    #[cfg(not(fuzzing))]
    let (reached, _) = (Vec::new(), (grant, url, found));
    reached
}

/// The address that a URL has in the place of a name.
fn literal(url: &str) -> Option<IpAddr> {
    match Url::parse(url).ok()?.host()? {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(address.into()),
        Host::Ipv6(address) => Some(IpAddr::from(address).to_canonical()),
    }
}

/// Whether it is not of the public internet, as the standard library and the forms of IPv4 in IPv6 have it.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => {
            let [first, second, third, .., high, low] = address.segments();
            let last = Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
            let inner = Ipv4Addr::from_bits(u32::from(second) << 16 | u32::from(third));
            let is_embedded = address.to_bits() >> 32 <= 0xffff || address.to_bits() >> 32 == 0x64_ff9b << 64;
            is_private_v6(address)
                || is_embedded && is_private_v4(last)
                || first == 0x2002 && is_private_v4(inner)
                || (first, second) == (0x2001, 0)
        }
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [a, b, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || (a, b & 0xc0) == (100, 64)
        || a == 0
        || a >= 240
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || address.is_unique_local()
        || address.is_unicast_link_local()
}
