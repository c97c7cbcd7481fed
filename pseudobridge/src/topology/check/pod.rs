//! The rules for pods.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use toml::Spanned;

use super::Checker;
use crate::topology::file::PodTable;
use crate::topology::{Pod, names, subnet};

/// What a network gives to its pods; `None` where the file is wrong about it.
pub(super) struct Parent {
    pub(super) subnet: Option<Ipv4Net>,
    /// Whether there is a `subnet6`, right or wrong.
    pub(super) is_dual: bool,
    pub(super) subnet6: Option<Ipv6Net>,
    pub(super) gateway: Option<Ipv4Addr>,
    pub(super) mtu: Option<u32>,
}

impl Checker<'_> {
    pub(super) fn pod(&mut self, table: PodTable, parent: &Parent) -> Option<Pod> {
        let name = table.name.and_then(|name| self.pod_name(name));
        let name_ref = name.as_ref();
        let address = table
            .address
            .and_then(|address| self.address(address, parent));
        let address6 = table
            .address6
            .and_then(|address| self.address6(address, parent));
        let netns = self.netns(table.netns, name_ref);
        let interface = self.interface(table.interface, name_ref);
        let pod_interface = self.pod_interface(table.pod_interface, interface.as_ref());
        let mtu = self.mtu(table.mtu.as_ref(), parent.mtu, parent.is_dual);
        Some(Pod {
            name: name?.into_inner(),
            address: address?.into_inner(),
            address6: address6.map(Spanned::into_inner),
            netns: netns?.into_inner(),
            interface: interface?.into_inner(),
            pod_interface: pod_interface?.into_inner(),
            mtu: mtu?,
        })
    }

    /// `None` for a name that is taken as well: what derives from it would be taken too.
    fn pod_name(&mut self, name: Spanned<String>) -> Option<Spanned<String>> {
        let name = names::check("pod name", name, self.problems)?;
        let cure = "give this pod another name";
        self.pods.claim(name, "pod name", cure, self.problems)
    }

    fn address(
        &mut self,
        address: Spanned<Ipv4Addr>,
        parent: &Parent,
    ) -> Option<Spanned<Ipv4Addr>> {
        let address = subnet::check_host("address", address, parent.subnet, self.problems)?;
        let cure = "give this pod another address";
        if parent.gateway == Some(*address.get_ref()) {
            let what = format!("address {} is the network's gateway", address.get_ref());
            self.problems.add(&address.span(), what, cure);
            return None;
        }
        self.addresses
            .claim(address, "address", cure, self.problems)
    }

    fn address6(
        &mut self,
        address: Spanned<Ipv6Addr>,
        parent: &Parent,
    ) -> Option<Spanned<Ipv6Addr>> {
        if !parent.is_dual {
            let what = format!("address6 {} is in no subnet", address.get_ref());
            let cure = "give the network a `subnet6`, or take `address6` out";
            self.problems.add(&address.span(), what, cure);
            return None;
        }
        let address = subnet::check_host("address6", address, parent.subnet6, self.problems)?;
        let cure = "give this pod another address6";
        self.addresses6
            .claim(address, "address6", cure, self.problems)
    }

    fn netns(
        &mut self,
        written: Option<Spanned<String>>,
        pod: Option<&Spanned<String>>,
    ) -> Option<Spanned<String>> {
        let noun = "network namespace";
        let name = match written {
            Some(name) => names::check(noun, name, self.problems)?,
            None => pod?.clone(),
        };
        let cure = "set `netns` to another, each pod has its own";
        self.namespaces.claim(name, noun, cure, self.problems)
    }

    fn interface(
        &mut self,
        written: Option<Spanned<String>>,
        pod: Option<&Spanned<String>>,
    ) -> Option<Spanned<String>> {
        let derive = |pod: &String| format!("veth-{pod}");
        let name = names::check_interface("interface", written, pod, derive, self.problems)?;
        let cure = "set `interface` to another name";
        self.interfaces
            .claim(name, "host-side interface", cure, self.problems)
    }

    fn pod_interface(
        &mut self,
        written: Option<Spanned<String>>,
        interface: Option<&Spanned<String>>,
    ) -> Option<Spanned<String>> {
        let derive = |interface: &String| format!("{interface}-pod");
        names::check_interface("pod_interface", written, interface, derive, self.problems)
    }
}
