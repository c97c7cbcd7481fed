//! Files that are no TOML, or not of our tables and keys.

use super::{assert_problems, problems, with_network};

#[test]
fn a_file_without_networks() {
    let expected = [
        "1: there is no network; add a [[network]] with name, subnet and gateway, \
                     or leave -f out for the built-in topology",
    ];
    for text in [
        "",
        "\n\n",
        "# only a comment\n",
        "datapath = \"tc\"\n",
        "network = []\n",
    ] {
        assert_problems(text, &expected);
    }
}

#[test]
fn no_toml() {
    let cure = "write one [[table]] or key = value a line, with text in quotes";
    for (text, line, what) in [
        ("datapath", 1, "key with no value, expected `=`"),
        (
            "\ndatapath = \n",
            2,
            "string values must be quoted, expected literal string",
        ),
        (
            "[[network]]\nname = \"a\n",
            2,
            "invalid basic string, expected `\"`",
        ),
        ("[[network\n", 1, "unclosed array table, expected `]]`"),
        (
            "datapath = \"tc\"\r\ndatapath = \"tc\"\r\n",
            2,
            "duplicate key",
        ),
    ] {
        assert_problems(text, &[&format!("{line}: not TOML: {what}; {cure}")]);
    }
}

/// What comes behind a syntax error is a guess: it must not bring complaints of its own.
#[test]
fn syntax_errors_come_alone() {
    let both = with_network("mtu = \nnonsense = 1\n[[network.pod]]\nname = \"p\n");
    let lines: Vec<_> = problems(&both)
        .list()
        .iter()
        .map(|problem| problem.line)
        .collect();
    assert_eq!(lines, [5, 8]);
}

#[test]
fn unknown_keys() {
    for (text, expected) in [
        (
            "datapth = \"tc\"\n",
            "1: unknown key `datapth` in the file; did you mean `datapath`?",
        ),
        (
            "[[networks]]\n",
            "1: unknown key `networks` in the file; did you mean `network`?",
        ),
        (
            "\nvlan = 1\n",
            "2: unknown key `vlan` in the file; the keys are datapath, max_pods, network",
        ),
        (
            "gateway = \"10.1.0.1\"\n",
            "1: unknown key `gateway` in the file; move it to [[network]], whose key it is",
        ),
        (
            "\"a\\nb\" = 1\n",
            "1: unknown key `a\\nb` in the file; the keys are datapath, max_pods, network",
        ),
    ] {
        assert_problems(text, &[expected]);
    }
    for (key, cure) in [
        ("pod-prefix", "did you mean `pod_prefix`?"),
        ("pods", "did you mean `pod`?"),
        ("max_pods", "move it to the file, whose key it is"),
        ("netns", "move it to [[network.pod]], whose key it is"),
        (
            "bridge",
            "the keys are name, subnet, gateway, subnet6, mtu, pod_prefix, datapath, uplink, \
             unknown, allow, pod",
        ),
    ] {
        let expected = format!("5: unknown key `{key}` in [[network]]; {cure}");
        assert_problems(&with_network(&format!("{key} = 1\n")), &[&expected]);
    }
    for (key, cure) in [
        ("adress", "did you mean `address`?"),
        ("netsn", "did you mean `netns`?"),
        ("pod_prefix", "move it to [[network]], whose key it is"),
        ("datapath", "move it to [[network]], whose key it is"),
        (
            "mac",
            "the keys are name, address, address6, netns, interface, pod_interface, mtu",
        ),
    ] {
        let pod = "[[network.pod]]\nname = \"p\"\naddress = \"10.1.0.2\"\n";
        let expected = format!("8: unknown key `{key}` in [[network.pod]]; {cure}");
        assert_problems(&with_network(&format!("{pod}{key} = 1\n")), &[&expected]);
    }
}

#[test]
fn missing_keys() {
    assert_problems(
        "\n[[network]]\n[[network.pod]]\n",
        &[
            r#"2: [[network]] has no `name`; add name = "default""#,
            r#"2: [[network]] has no `subnet`; add subnet = "172.30.30.0/24""#,
            r#"2: [[network]] has no `gateway`; add gateway = "172.30.30.1""#,
            r#"3: [[network.pod]] has no `name`; add name = "ns1""#,
            r#"3: [[network.pod]] has no `address`; add address = "172.30.30.11""#,
        ],
    );
}

#[test]
fn single_tables_where_several_may_stand() {
    for (text, expected) in [
        (
            "[network]\n",
            "1: `network` is a single table; write it like [[network]]",
        ),
        (
            "network = \"a\"\n",
            "1: `network` is a string; write it like [[network]]",
        ),
        (
            "\n[[network.pod]]\n",
            "2: `network` is a single table; write it like [[network]]",
        ),
        (
            "network = [1]\n",
            "1: `network` holds an integer; write each as [[network]]",
        ),
    ] {
        assert_problems(text, &[expected]);
    }
    assert_problems(
        &with_network("[network.pod]\n"),
        &["5: `pod` is a single table; write it like [[network.pod]]"],
    );
}

#[test]
fn tables_may_be_written_in_line() {
    let text = "network = [\n\
        { name = \"a\", subnet = \"10.1.0.0/24\", gateway = \"10.1.0.1\" },\n\
        { name = \"a\", subnet = \"10.2.0.0/24\", gateway = \"10.2.0.1\" },\n]\n";
    let expected = "3: network name \"a\" is taken on line 2; give this network another name";
    assert_problems(text, &[expected]);
}
