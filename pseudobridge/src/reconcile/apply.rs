//! Doing the steps of a plan.

use std::collections::HashMap;

use super::identity::{GROUP, PROTOCOL};
use super::step::{Change, InnerChange};
use super::{DesiredPod, Error, Observed, Plan, Step};
use crate::bpf::{self, Hook, Maps, Pins, Program, bpffs};
use crate::netlink::netns::{self, NetNs};
use crate::netlink::{Address, Netlink, Route, VethEnd, VethSpec};
use ipnet::Ipv4Net;

/// Does the steps one after another, telling `progress` how many are done. The first that fails
/// ends it.
///
/// The calling thread must be in the node's network namespace, as `netlink` is.
///
/// # Errors
///
/// What the failed step says.
pub async fn apply(
    plan: &Plan,
    observed: &Observed,
    netlink: &Netlink,
    pins: &Pins,
    mut progress: impl FnMut(usize),
) -> Result<(), Error> {
    let mut apply = Apply {
        netlink,
        pins,
        cookie: observed.cookie,
        indexes: observed
            .links
            .iter()
            .map(|link| (link.name.clone(), link.index))
            .collect(),
        maps: None,
        inside: None,
    };
    for (done, step) in plan.steps.iter().enumerate() {
        tracing::info!("{step}");
        apply.step(step).await?;
        progress(done + 1);
    }
    Ok(())
}

struct Apply<'a> {
    netlink: &'a Netlink,
    pins: &'a Pins,
    cookie: u64,
    /// Of the node's links, by name.
    indexes: HashMap<String, u32>,
    maps: Option<Maps>,
    /// The pod that is being worked on, from inside.
    inside: Option<Inner>,
}

struct Inner {
    netns: String,
    netlink: Netlink,
    /// Index of the pod's end.
    index: u32,
    /// Index of the loopback interface.
    loopback: u32,
}

impl Apply<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::MountBpffs(path) => bpffs::mount_at(path)?,
            Step::RemoveIncomplete => self.pins.incomplete().remove_in_place()?,
            Step::Install(max_pods) => {
                bpf::require_tcx()?;
                Program::install(self.pins, self.cookie, *max_pods)?;
            }
            Step::Grow(max_pods) => {
                Program::grow(self.pins, *max_pods)?;
                // What is open now are the old ones.
                self.maps = None;
            }
            Step::EnterNetwork(subnet, network) => {
                self.maps()?.insert_network(*subnet, *network)?;
            }
            Step::ForgetNetwork(subnet) => self.maps()?.remove_network(*subnet)?,
            Step::Allow(from, to) => self.maps()?.allow(*from, *to)?,
            Step::Forbid(from, to) => self.maps()?.forbid(*from, *to)?,
            Step::AttachUplink(name) => bpf::attach(self.pins, Hook::Uplink, name)?,
            Step::UpdateUplink(name) => bpf::update(self.pins, Hook::Uplink, name)?,
            Step::DetachUplink(name) => bpf::detach(self.pins, Hook::Uplink, name)?,
            Step::Replace => Program::load(self.pins)?.replace(self.pins)?,
            Step::AddUnreachable(subnet) => {
                let route = Route::unreachable(*subnet, PROTOCOL);
                self.netlink.route_add(&route).await?;
            }
            Step::Pod(pod, change) => self.change(pod, change).await?,
            Step::Detach(interface) => bpf::detach(self.pins, Hook::Tc, interface)?,
            Step::ForgetAddress(address) => self.maps()?.remove_address(*address)?,
            Step::ForgetPort(ifindex) => {
                self.maps()?.remove_port(*ifindex)?;
                bpf::forget_counters(self.pins, *ifindex)?;
            }
            Step::DeleteLinks(links) => {
                let indexes: Vec<_> = links.iter().map(|(index, _)| *index).collect();
                self.netlink.link_delete_many(&indexes).await?;
                self.indexes.retain(|_, index| !indexes.contains(index));
            }
            Step::DeleteNamespace(name) => netns::delete(name)?,
            Step::DeleteRoute(route) => match self.netlink.route_delete(route).await {
                Err(error) if error.is_missing() => {}
                other => other?,
            },
            Step::RemovePins => self.pins.remove()?,
            Step::Unmount(path) => bpffs::unmount(path)?,
        }
        Ok(())
    }

    async fn change(&mut self, desired: &DesiredPod, change: &Change) -> Result<(), Error> {
        let pod = &desired.pod;
        match change {
            Change::CreateNamespace => {
                netns::create(&pod.netns, &desired.mark(self.cookie).to_string())?;
            }
            Change::CreateVeth => self.create_veth(desired).await?,
            Change::Set(setting) => setting.write(&pod.interface)?,
            Change::SetHostMtu => {
                let index = self.index(desired)?;
                self.netlink.link_set_mtu(index, pod.mtu).await?;
            }
            Change::AddGateway => {
                let address = Address {
                    index: self.index(desired)?,
                    address: Ipv4Net::from(desired.gateway).into(),
                };
                self.netlink.addr_add(&address).await?;
            }
            Change::Enter => {
                let (entry, port) = desired.entries(self.index(desired)?);
                self.maps()?.insert(&[pod.address.into()], entry, port)?;
            }
            Change::Attach => bpf::attach(self.pins, Hook::Tc, &pod.interface)?,
            Change::Update => bpf::update(self.pins, Hook::Tc, &pod.interface)?,
            Change::HostUp => {
                let index = self.index(desired)?;
                self.netlink.link_set_up(index).await?;
            }
            Change::SetNeighbour => {
                let index = self.index(desired)?;
                let mac = desired.pod_mac();
                self.netlink
                    .neigh_set_permanent(index, pod.address, mac)
                    .await?;
            }
            Change::AddRoute => {
                let index = self.index(desired)?;
                let route = Route::via_device(Ipv4Net::from(pod.address), index, PROTOCOL);
                self.netlink.route_add(&route).await?;
            }
            Change::Inside(change) => self.change_inside(desired, *change).await?,
        }
        Ok(())
    }

    async fn change_inside(
        &mut self,
        desired: &DesiredPod,
        change: InnerChange,
    ) -> Result<(), Error> {
        let inner = self.inside(desired).await?;
        let (netlink, index) = (&inner.netlink, inner.index);
        match change {
            InnerChange::LoopbackUp => netlink.link_set_up(inner.loopback).await?,
            InnerChange::SetMtu => netlink.link_set_mtu(index, desired.pod.mtu).await?,
            InnerChange::AddAddress => {
                let address = desired.address().into();
                netlink.addr_add(&Address { index, address }).await?;
            }
            InnerChange::Up => netlink.link_set_up(index).await?,
            InnerChange::SetGateway => {
                let mac = desired.host_mac();
                netlink
                    .neigh_set_permanent(index, desired.gateway, mac)
                    .await?;
            }
            InnerChange::AddGatewayRoute => {
                let route = Route::via_device(Ipv4Net::from(desired.gateway), index, PROTOCOL);
                netlink.route_add(&route).await?;
            }
            InnerChange::AddDefaultRoute => {
                let route = Route::default_via(desired.gateway, index, PROTOCOL);
                netlink.route_add(&route).await?;
            }
        }
        Ok(())
    }

    /// The alias comes last: it says that the pair is made as it should be.
    async fn create_veth(&mut self, desired: &DesiredPod) -> Result<(), Error> {
        let pod = &desired.pod;
        let namespace = netns::open(&pod.netns)?;
        let spec = VethSpec {
            host: VethEnd {
                name: &pod.interface,
                mac: desired.host_mac(),
                mtu: pod.mtu,
            },
            group: GROUP,
            pod: VethEnd {
                name: &pod.pod_interface,
                mac: desired.pod_mac(),
                mtu: pod.mtu,
            },
            namespace: &namespace,
        };
        let link = self.netlink.veth_create(&spec).await?;
        match self.netlink.link_set_addrgenmode_none(link.index).await {
            // A kernel without IPv6 has no addresses to generate.
            Err(error) if error.errno() == Some(nix::errno::Errno::EAFNOSUPPORT) => {}
            other => other?,
        }
        let owner = desired.owner().to_string();
        self.netlink.link_set_alias(link.index, &owner).await?;
        self.indexes.insert(link.name, link.index);
        self.inside = Some(Inner::open(&namespace, desired).await?);
        Ok(())
    }

    async fn inside(&mut self, desired: &DesiredPod) -> Result<&Inner, Error> {
        let is_open = |inner: &Inner| inner.netns == desired.pod.netns;
        if !self.inside.as_ref().is_some_and(is_open) {
            let namespace = netns::open(&desired.pod.netns)?;
            self.inside = Some(Inner::open(&namespace, desired).await?);
        }
        self.inside
            .as_ref()
            .ok_or_else(|| lost(desired, "network namespace"))
    }

    fn maps(&mut self) -> Result<&mut Maps, Error> {
        match &mut self.maps {
            Some(maps) => Ok(maps),
            none => Ok(none.insert(Maps::open(self.pins)?)),
        }
    }

    fn index(&self, desired: &DesiredPod) -> Result<u32, Error> {
        let index = self.indexes.get(&desired.pod.interface);
        index
            .copied()
            .ok_or_else(|| lost(desired, "host-side veth"))
    }
}

impl Inner {
    async fn open(namespace: &NetNs, desired: &DesiredPod) -> Result<Self, Error> {
        let netlink = Netlink::open_in(namespace)?;
        let link = netlink.link_get(&desired.pod.pod_interface).await?;
        let loopback = netlink.link_get("lo").await?;
        Ok(Self {
            netns: desired.pod.netns.clone(),
            index: link.ok_or_else(|| lost(desired, "end of the veth"))?.index,
            loopback: loopback.ok_or_else(|| lost(desired, "loopback"))?.index,
            netlink,
        })
    }
}

fn lost(desired: &DesiredPod, what: &'static str) -> Error {
    Error::Incomplete {
        pod: desired.pod.name.clone(),
        what,
    }
}
