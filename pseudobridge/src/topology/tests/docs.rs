//! What docs/configuration.md shows must be so.

use super::{Topology, problems};

const PAGE: &str = include_str!("../../../../docs/configuration.md");

/// The code block of the page that follows `<!-- mark -->`.
fn block(mark: &str) -> &'static str {
    let (_, rest) = PAGE
        .split_once(&format!("<!-- {mark} -->\n```"))
        .unwrap_or_else(|| panic!("no block marked {mark}"));
    let (_, rest) = rest.split_once('\n').expect("a language line");
    let (block, _) = rest.split_once("\n```").expect("the end of the block");
    block
}

#[test]
fn the_example_makes_the_table_below_it() {
    let topology = Topology::parse(block("net.toml"), "net.toml").unwrap();
    for network in &topology.networks {
        for pod in &network.pods {
            let address6 = pod.address6.map(|one| format!("{one}/128"));
            let row = format!(
                "| {} | {} | {}/{} | {} | {} | {} | {} | {} |\n",
                network.name,
                pod.name,
                pod.address,
                network.pod_prefix,
                address6.as_deref().unwrap_or("none"),
                pod.netns,
                pod.interface,
                pod.pod_interface,
                pod.mtu
            );
            assert!(PAGE.contains(&row), "{row}");
        }
    }
    let pods: usize = topology
        .networks
        .iter()
        .map(|network| network.pods.len())
        .sum();
    assert_eq!(pods, 3);
}

#[test]
fn the_errors_are_as_they_print() {
    let printed = problems(block("broken.toml")).to_string();
    assert_eq!(printed.replace("t.toml:", "broken.toml:"), block("errors"));
}

#[test]
fn the_page_has_every_key_of_the_reference() {
    let reference = include_str!("../default.toml");
    let keys = reference.lines().filter_map(|line| {
        let (key, _) = line.trim_start_matches(['#', '~', ' ']).split_once(" = ")?;
        Some(key)
    });
    let missing: Vec<_> = keys
        .filter(|key| !PAGE.contains(&format!("\n| `{key}` |")))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}
