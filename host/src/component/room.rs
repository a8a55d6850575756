//! What the system has room for: looked at when an engine is made, so that what would stop the last of many instances is told before
//! the first.

use std::{fmt, fs};

use super::engine::Config;
use crate::error::{Error, ErrorKind};

/// Mappings of a memory: the image that it starts from, what it has grown by, and the addresses behind.
const MAPPINGS: u64 = 3;

/// Mappings that are left for the rest of the process: threads, libraries, the allocator.
const OTHER_MAPPINGS: u64 = 1000;

/// Addresses of a memory, with those that are kept free behind it.
const ADDRESSES: u64 = (4 << 30) + (32 << 20);

/// Addresses that are left for the rest of the process.
const OTHER_ADDRESSES: u64 = 1 << 30;

/// What to look at where the system has refused memory to one instance. To count mappings then would take longer than all the rest.
pub(super) const NO_MEMORY: &str = "Either memory is used up, or this process has as many mappings of it as it may have: \
                                    `sysctl vm.max_map_count` says how many, and `/proc/PID/maps` which it has";

/// What a process has and may have. What cannot be found out bounds nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    mappings: u64,
    max_mappings: Option<u64>,
    /// Bytes of addresses in use.
    addresses: u64,
    max_addresses: Option<u64>,
    /// The longest range of addresses that nothing is in.
    free_addresses: Option<u64>,
}

impl Room {
    /// That of this process, now.
    pub(super) fn look() -> Room {
        let file = |path| fs::read_to_string(path).unwrap_or_default();
        Room::of(&file("/proc/self/maps"), &file("/proc/self/limits"), &file("/proc/sys/vm/max_map_count"))
    }

    /// That of a process, by the texts of `maps`, `limits` and `max_map_count`.
    fn of(maps: &str, limits: &str, max_mappings: &str) -> Room {
        let limit = limits.lines().find_map(|line| line.strip_prefix("Max address space"));
        let mut room = Room {
            max_mappings: max_mappings.trim().parse().ok(),
            max_addresses: limit.and_then(|limit| limit.split_whitespace().next()?.parse().ok()),
            ..Room::default()
        };
        let mut end = 0;
        for (from, to) in maps.lines().filter_map(range) {
            room.mappings = room.mappings.saturating_add(1);
            // The system's own page at the very end is in no process's half.
            if to <= i64::MAX as u64 {
                room.addresses = room.addresses.saturating_add(to.saturating_sub(from));
                room.free_addresses = room.free_addresses.max(Some(from.saturating_sub(end)));
                end = to;
            }
        }
        room
    }

    /// Refuses more instances than there may be mappings for. Where the system has none left, instances fail that are opened, and so
    /// do allocations of the rest of the process.
    ///
    /// # Errors
    ///
    /// [`Engine`](ErrorKind::Engine), with the number that fits, and what helps.
    pub(super) fn check_mappings(&self, config: &Config) -> Result<(), Error> {
        let Some(most) = self.max_mappings else {
            return Ok(());
        };
        let each = u64::from(config.scale).saturating_mul(MAPPINGS);
        let needed = u64::from(config.instances).saturating_mul(each);
        let others = self.mappings.saturating_add(OTHER_MAPPINGS);
        let fits = most.saturating_sub(others).checked_div(each).unwrap_or(u64::MAX);
        if u64::from(config.instances) <= fits {
            return Ok(());
        }
        let message = format!(
            "{} take up to {needed} mappings of memory, and this process may have {most}, of which the rest of it needs {others}: \
             {fits} fit. `sysctl vm.max_map_count={}`, or {}, helps",
            Instances(config),
            needed.saturating_add(others),
            fewer(config),
        );
        Err(Error::new(ErrorKind::Engine, message))
    }

    /// Why the addresses of so many instances are not to be had, and what helps.
    pub(super) fn explain_addresses(&self, config: &Config) -> String {
        let each = u64::from(config.scale).saturating_mul(ADDRESSES);
        let needed = u64::from(config.instances).saturating_mul(each) >> 30;
        let below_limit = self.max_addresses.map(|most| most.saturating_sub(self.addresses));
        let is_limited = below_limit.is_some_and(|below| self.free_addresses.is_none_or(|free| below < free));
        let left = if is_limited { below_limit } else { self.free_addresses };
        let fits = left.map(|left| {
            let fits = left.saturating_sub(OTHER_ADDRESSES).checked_div(each).unwrap_or_default();
            format!(": {fits} fit into the {} GiB that are left", left >> 30)
        });
        let (fits, fewer) = (fits.unwrap_or_default(), fewer(config));
        let what =
            format!("cannot reserve {needed} GiB of address space, which cost no memory, for {}", Instances(config));
        match is_limited {
            true => format!("{what}{fits}. A higher `ulimit -v`, or {fewer}, helps"),
            false => format!("{what}{fits}. Only {fewer} helps"),
        }
    }
}

/// The memory that a process may have. What cannot be found out bounds nothing.
#[derive(Clone, Copy, Debug, Default)]
#[cfg(feature = "js")]
pub(super) struct Memory {
    /// Bytes of the machine, or of the control group where that has less.
    all: Option<u64>,
    /// Bytes that the system promises to all processes together, where it promises no more than it has.
    promised: Option<u64>,
}

#[cfg(feature = "js")]
impl Memory {
    /// That of this process.
    pub(super) fn look() -> Memory {
        let file = |path: &str| fs::read_to_string(path).ok();
        let groups = file("/proc/self/cgroup").unwrap_or_default();
        let limits = limit_files(&groups).into_iter().filter_map(|path| file(&path));
        let memory = file("/proc/meminfo").unwrap_or_default();
        Memory::of(&memory, limits, &file("/proc/sys/vm/overcommit_memory").unwrap_or_default())
    }

    /// That of a process, by the texts of `meminfo`, of the limits of its control groups, and of `overcommit_memory`.
    fn of(memory: &str, limits: impl IntoIterator<Item = String>, overcommit: &str) -> Memory {
        let line = |name: &str| {
            let kib = memory.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB"));
            kib.and_then(|kib| kib.parse::<u64>().ok()?.checked_mul(1 << 10))
        };
        // One that is not limited says `max`, or a number beyond every memory.
        let limits = limits.into_iter().filter_map(|limit| limit.trim().parse().ok());
        let promised = (overcommit.trim() == "2").then(|| line("CommitLimit:")).flatten();
        Memory { all: limits.chain(line("MemTotal:")).min(), promised }
    }

    /// What is to be said where instances that take, and are promised, so many bytes each may not all fit.
    pub(super) fn advice(&self, instances: u32, taken: u64, promised: u64) -> Option<String> {
        let beyond = |limit: Option<u64>, each: u64| {
            let limit = limit.filter(|limit| *limit < each.saturating_mul(instances.into()))?;
            Some((limit >> 20, limit.checked_div(each).unwrap_or_default()))
        };
        if let Some((mebibytes, fits)) = beyond(self.all, taken) {
            return Some(format!(
                "{instances} instances take {} KiB each or more, and there are {mebibytes} MiB of memory, for {fits} at most: fewer \
                 instances, or a higher limit of the control group, where it has one, help",
                taken >> 10,
            ));
        }
        let (mebibytes, fits) = beyond(self.promised, promised)?;
        Some(format!(
            "the system promises {mebibytes} MiB to all processes together, and {instances} instances are promised {} KiB each or \
             more: {fits} fit at most. `sysctl vm.overcommit_memory=0`, or a higher `vm.overcommit_ratio`, helps",
            promised >> 10,
        ))
    }
}

/// Where the limits of memory of a process's control groups are, of both versions.
#[cfg(feature = "js")]
fn limit_files(groups: &str) -> Vec<String> {
    let file = |line: &str| {
        let (_, line) = line.split_once(':')?;
        match line.split_once(':')? {
            ("", group) => Some(format!("/sys/fs/cgroup{group}/memory.max")),
            (kinds, group) => kinds
                .split(',')
                .any(|kind| kind == "memory")
                .then(|| format!("/sys/fs/cgroup/memory{group}/memory.limit_in_bytes")),
        }
    };
    groups.lines().filter_map(file).collect()
}

/// A number of instances, and what it is of.
struct Instances<'a>(&'a Config);

impl fmt::Display for Instances<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config { instances, scale, .. } = self.0;
        write!(f, "{instances} instances")?;
        if *scale == 1 { Ok(()) } else { write!(f, " of scale {scale}") }
    }
}

fn fewer(config: &Config) -> &'static str {
    if config.scale == 1 {
        "a lower `Config::instances` (of a sandbox: `max_contexts`)"
    } else {
        "a lower `Config::instances` or `Config::scale`"
    }
}

/// The range of a line of `maps`.
fn range(line: &str) -> Option<(u64, u64)> {
    let (from, to) = line.split_whitespace().next()?.split_once('-')?;
    Some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &str = "\
        00400000-00500000 r-xp 00000000 fe:00 1 /bin/program\n\
        7f0000000000-7f0000100000 rw-p 00000000 00:00 0\n\
        7ffff7ff0000-7ffff7fff000 rw-p 00000000 00:00 0 [stack]\n\
        ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0 [vsyscall]\n";

    const UNLIMITED: &str = "Max processes 96365 96365 processes\nMax address space unlimited unlimited bytes\n";

    fn config(instances: u32, scale: u32) -> Config {
        Config { instances, scale, ..Config::default() }
    }

    #[test]
    fn more_instances_than_there_may_be_mappings_for_are_refused_with_what_helps() {
        let room = Room::of(MAPS, UNLIMITED, "65530\n");
        room.check_mappings(&config(20_000, 1)).unwrap();
        room.check_mappings(&config(21_508, 1)).unwrap();
        for (instances, scale, fits, helps) in
            [(21_509, 1, "21508 fit", "vm.max_map_count=65531"), (20_000, 4, "5377 fit", "vm.max_map_count=241004")]
        {
            let error = room.check_mappings(&config(instances, scale)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Engine);
            let text = error.to_string();
            for part in [fits, helps, "may have 65530", "the rest of it needs 1004", "Config::instances"] {
                assert!(text.contains(part), "{part:?} is not in {text:?}");
            }
        }
        let little = Room::of(MAPS, UNLIMITED, "500").check_mappings(&config(1, 1)).unwrap_err();
        assert!(little.to_string().contains(": 0 fit."), "{little}");
        // Where it cannot be found out, it is tried.
        Room::of("", "", "").check_mappings(&config(u32::MAX, 4)).unwrap();
    }

    #[test]
    fn addresses_that_are_not_to_be_had_are_explained_with_what_helps() {
        let free = Room::of(MAPS, UNLIMITED, "65530").explain_addresses(&config(40_000, 1));
        assert_eq!(
            free,
            "cannot reserve 161250 GiB of address space, which cost no memory, for 40000 instances: 32259 fit into the 130047 GiB \
             that are left. Only a lower `Config::instances` (of a sandbox: `max_contexts`) helps"
        );
        let limits = "Max address space 64424509440 68719476736 bytes\n";
        let limited = Room::of(MAPS, limits, "65530").explain_addresses(&config(20, 4));
        assert_eq!(
            limited,
            "cannot reserve 322 GiB of address space, which cost no memory, for 20 instances of scale 4: 3 fit into the 59 GiB that \
             are left. A higher `ulimit -v`, or a lower `Config::instances` or `Config::scale`, helps"
        );
        let unknown = Room::of("", "", "").explain_addresses(&config(20, 4));
        assert!(unknown.contains("for 20 instances of scale 4. Only"), "{unknown}");
    }

    #[cfg(feature = "js")]
    #[test]
    fn memory_that_will_not_do_for_all_instances_is_told() {
        const MEMORY: &str = "MemTotal:       2097152 kB\nMemFree: 1 kB\nCommitLimit:    1048576 kB\n";
        let advice = |limits: &[&str], overcommit, instances| {
            let limits = limits.iter().map(|limit| (*limit).to_owned());
            Memory::of(MEMORY, limits, overcommit).advice(instances, 100 << 10, 2 << 20)
        };
        assert_eq!(advice(&[], "0\n", 20_000), None);
        let machine = advice(&["max\n", "9223372036854771712\n"], "0", 21_000).unwrap();
        assert!(machine.contains("there are 2048 MiB of memory, for 20971 at most"), "{machine}");
        let group = advice(&["max\n", "104857600\n"], "0", 20_000).unwrap();
        assert!(group.contains("there are 100 MiB of memory, for 1024 at most"), "{group}");
        assert_eq!(advice(&[], "2\n", 512), None);
        let promised = advice(&[], "2\n", 1000).unwrap();
        assert!(promised.contains("promises 1024 MiB") && promised.contains("512 fit"), "{promised}");
        assert_eq!(Memory::of("", [], "").advice(u32::MAX, u64::MAX, u64::MAX), None);
    }

    #[cfg(feature = "js")]
    #[test]
    fn limits_of_memory_are_looked_for_in_control_groups_of_both_versions() {
        let files = limit_files("9:name=systemd:/\n4:cpu,memory:/some/group\n0::/unified.slice\nnonsense\n");
        assert_eq!(
            files,
            ["/sys/fs/cgroup/memory/some/group/memory.limit_in_bytes", "/sys/fs/cgroup/unified.slice/memory.max"]
        );
    }
}
