//! Measuring several ways to do the same: they take turns, so that whatever else the machine does hits all of them
//! alike. Their ratios hold where the times do not.

/// Has each of these measured this many times, one after the other. The results stand in the order of the ways.
pub(crate) fn take_turns<W, R>(ways: &[W], turns: usize, mut measure: impl FnMut(&W) -> R) -> Vec<Vec<R>> {
    let mut results: Vec<Vec<R>> = ways.iter().map(|_| Vec::with_capacity(turns)).collect();
    for _ in 0..turns {
        for (way, results) in ways.iter().zip(&mut results) {
            results.push(measure(way));
        }
    }
    results
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
