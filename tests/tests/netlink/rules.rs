//! Policy rules.

use pseudobridge::netlink::{Error, Netlink, Rule, RuleAction};

use crate::{PROTOCOL, ip, net, with_netlink};

const TABLE: u32 = 7062;

/// Our own rules: the kernel has some in each namespace.
async fn ours(netlink: &Netlink) -> Vec<Rule> {
    let mut rules = netlink.rule_list().await.unwrap();
    rules.retain(|rule| rule.protocol == PROTOCOL);
    rules
}

#[test]
fn rules_of_both_families_come_and_go() {
    with_netlink(async |netlink| {
        let rules = [
            Rule::to_table(false, 100, TABLE, PROTOCOL).from(net("10.1.0.0/24")),
            Rule::prohibit(false, 101, PROTOCOL)
                .from(net("10.1.0.0/24"))
                .to(net("10.2.0.0/24")),
            Rule {
                incoming: Some("veth-ns1".into()),
                ..Rule::to_table(false, 102, 7, PROTOCOL)
            },
            Rule::to_table(true, 100, TABLE, PROTOCOL).from(net("fd00:1::/64")),
            Rule::prohibit(true, 101, PROTOCOL)
                .from(net("fd00:1::/64"))
                .to(net("fd00:2::/64")),
        ];
        for rule in &rules {
            netlink.rule_add(rule).await.unwrap();
            let error = netlink.rule_add(rule).await.unwrap_err();
            assert!(error.is_exists(), "{rule}: {error}");
        }
        assert_eq!(ours(&netlink).await, rules);
        let shown = ip(&["rule"]);
        assert!(shown.contains("from 10.1.0.0/24 lookup 7062"), "{shown}");
        assert!(
            shown.contains("from 10.1.0.0/24 to 10.2.0.0/24 prohibit"),
            "{shown}"
        );
        let shown = ip(&["-6", "rule"]);
        assert!(
            shown.contains("from fd00:1::/64 to fd00:2::/64 prohibit"),
            "{shown}"
        );
        for rule in &rules {
            netlink.rule_delete(rule).await.unwrap();
            let error = netlink.rule_delete(rule).await.unwrap_err();
            assert!(error.is_missing(), "{rule}: {error}");
        }
        assert_eq!(ours(&netlink).await, []);
    });
}

#[test]
fn the_kernels_own_rules_are_listed() {
    with_netlink(async |netlink| {
        let rules = netlink.rule_list().await.unwrap();
        let seen: Vec<_> = rules
            .iter()
            .map(|rule| (rule.ipv6, rule.priority, rule.table, rule.action))
            .collect();
        let to_table = RuleAction::ToTable;
        assert_eq!(
            seen,
            [
                (false, 0, 255, to_table),
                (false, 32766, 254, to_table),
                (false, 32767, 253, to_table),
                (true, 0, 255, to_table),
                (true, 32766, 254, to_table),
            ]
        );
        assert!(rules.iter().all(|rule| !rule.more), "{rules:?}");
    });
}

#[test]
fn a_rule_deletes_itself_and_no_other() {
    with_netlink(async |netlink| {
        let wide = Rule::to_table(false, 100, TABLE, PROTOCOL);
        let narrow = wide.clone().from(net("10.1.0.0/24"));
        netlink.rule_add(&narrow).await.unwrap();
        for other in [
            wide.clone(),
            narrow.clone().to(net("10.2.0.0/24")),
            Rule::to_table(false, 100, 1, PROTOCOL).from(net("10.1.0.0/24")),
            Rule::to_table(false, 100, TABLE, 4).from(net("10.1.0.0/24")),
            Rule::to_table(false, 101, TABLE, PROTOCOL).from(net("10.1.0.0/24")),
        ] {
            let error = netlink.rule_delete(&other).await.unwrap_err();
            assert!(error.is_missing(), "{other}: {error}");
        }
        // The kernel takes the narrow one for the wide one already when this is added.
        assert!(netlink.rule_add(&wide).await.unwrap_err().is_exists());
        netlink.rule_delete(&narrow).await.unwrap();
        netlink.rule_add(&wide).await.unwrap();
        netlink.rule_add(&narrow).await.unwrap();
        netlink.rule_delete(&wide).await.unwrap();
        assert_eq!(ours(&netlink).await, [narrow]);
    });
}

#[test]
fn a_rule_that_selects_by_more_is_not_ours_to_touch() {
    with_netlink(async |netlink| {
        ip(&[
            "rule", "add", "priority", "100", "fwmark", "1", "lookup", "7062", "protocol", "191",
        ]);
        let list = ours(&netlink).await;
        let [marked] = list.as_slice() else {
            panic!("{list:?}")
        };
        assert!(marked.more);
        let plain = Rule::to_table(false, 100, TABLE, PROTOCOL);
        let error = netlink.rule_delete(marked).await.unwrap_err();
        assert!(error.to_string().contains("EINVAL"), "{error}");
        assert!(netlink.rule_delete(&plain).await.unwrap_err().is_missing());
        // With ours behind it, the kernel would take that one for it.
        netlink.rule_add(&plain).await.unwrap();
        let error = netlink.rule_delete(&plain).await.unwrap_err();
        assert!(matches!(error, Error::InTheWay { .. }), "{error}");
        assert_eq!(
            error.to_string(),
            "cannot delete IPv4 rule 100: from all lookup 7062 protocol 191: the kernel would take \
             IPv4 rule 100: from all lookup 7062 protocol 191 and more in its place; \
             delete that one first"
        );
        assert_eq!(ours(&netlink).await, [marked.clone(), plain.clone()]);
        let mixed = plain.from(net("fd00:1::/64"));
        let error = netlink.rule_add(&mixed).await.unwrap_err();
        assert!(error.to_string().contains("EINVAL"), "{error}");
        assert_eq!(ours(&netlink).await.len(), 2);
    });
}
