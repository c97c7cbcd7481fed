//! Who is to probe whom.

use std::net::Ipv4Addr;

use super::{Endpoint, Probe, Target};

/// The most pods of which [`Verify::Auto`] tries every pair.
const ALL_PAIRS_MAX: usize = 16;

/// The TTL of an echo reply between pods: 64, less one for the node between them.
const TTL_BETWEEN_PODS: u8 = 63;

/// How much to verify.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verify {
    /// All up to 16 pods, a sample above.
    #[default]
    Auto,
    /// Every pod to every other, and to the gateway.
    All,
    /// Every pod to the gateway and to the pods before and after it, in a ring: each pod is
    /// reached and reaches, by 3 probes a pod.
    Sample,
    /// Nothing.
    None,
}

/// Chooses the probes of one network.
#[must_use]
pub fn probes(pods: &[Endpoint], gateway: Ipv4Addr, how_much: Verify) -> Vec<Probe> {
    let all = match how_much {
        Verify::None => return Vec::new(),
        Verify::All => true,
        Verify::Sample => false,
        Verify::Auto => pods.len() <= ALL_PAIRS_MAX,
    };
    let last = pods.len().saturating_sub(1);
    let chosen = |from: usize, to: usize| {
        // Neighbours in the ring, of which the ends are the first and the last pod.
        from != to && (all || from.abs_diff(to) == 1 || from.abs_diff(to) == last)
    };
    let probe = |(i, from): (usize, &Endpoint)| {
        let gateway = Target {
            name: "gateway".into(),
            address: gateway,
            expect_ttl: None,
        };
        let others = pods.iter().enumerate().filter(|&(j, _)| chosen(i, j));
        let others = others.map(|(_, pod)| Target {
            name: pod.pod.clone(),
            address: pod.address,
            expect_ttl: Some(TTL_BETWEEN_PODS),
        });
        Probe {
            from: from.clone(),
            to: std::iter::once(gateway).chain(others).collect(),
        }
    };
    pods.iter().enumerate().map(probe).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    const GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 30, 0, 1);

    fn pods(count: u8) -> Vec<Endpoint> {
        let pod = |i| Endpoint {
            pod: format!("ns{i}"),
            netns: format!("/run/netns/ns{i}").into(),
            interface: "eth0".into(),
            mac: [2, 0, 0, 0, 0, i],
            address: Ipv4Addr::new(172, 30, 1, i),
            answer_mac: None,
        };
        (0..count).map(pod).collect()
    }

    /// The pairs of pods, by name. Asserts that none is twice, and the gateway once each.
    fn pairs(probes: &[Probe]) -> HashSet<(String, String)> {
        let mut pairs = HashSet::new();
        for probe in probes {
            assert_eq!(
                probe.to.iter().filter(|to| to.address == GATEWAY).count(),
                1
            );
            for to in probe.to.iter().filter(|to| to.address != GATEWAY) {
                assert_eq!(to.expect_ttl, Some(63));
                assert!(
                    pairs.insert((probe.from.pod.clone(), to.name.clone())),
                    "twice: {to:?}"
                );
            }
        }
        pairs
    }

    #[test]
    fn up_to_16_pods_are_all_tried() {
        for count in [0, 1, 2, 3, 16] {
            let probes = probes(&pods(count), GATEWAY, Verify::Auto);
            let count = usize::from(count);
            assert_eq!(probes.len(), count);
            let pairs = pairs(&probes);
            assert_eq!(pairs.len(), count * count.saturating_sub(1));
            assert!(pairs.iter().all(|(from, to)| from != to));
        }
    }

    #[test]
    fn above_16_a_ring_is_tried() {
        let pairs = pairs(&probes(&pods(17), GATEWAY, Verify::Auto));
        assert_eq!(pairs.len(), 2 * 17);
        for i in 0..17 {
            for to in [(i + 1) % 17, (i + 16) % 17] {
                assert!(
                    pairs.contains(&(format!("ns{i}"), format!("ns{to}"))),
                    "{i} to {to}"
                );
            }
        }
    }

    #[test]
    fn a_sample_of_few_is_all_of_them() {
        for (count, expected) in [(0, 0), (1, 0), (2, 2), (3, 6), (4, 8)] {
            let pairs = pairs(&probes(&pods(count), GATEWAY, Verify::Sample));
            assert_eq!(pairs.len(), expected, "{count} pods");
        }
    }

    #[test]
    fn all_and_none_are_taken_at_their_word() {
        assert_eq!(
            pairs(&probes(&pods(20), GATEWAY, Verify::All)).len(),
            20 * 19
        );
        assert_eq!(probes(&pods(2), GATEWAY, Verify::None), []);
    }
}
