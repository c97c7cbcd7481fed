//! From what is to what shall be: which steps it takes. Pure: nothing is touched here.

use std::collections::BTreeSet;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};

use pseudobridge_common::abi;

use super::bpf_state::BpfState;
use super::changes::{bpf_changes, changes, is_same};
use super::conflict;
use super::networks::Networks;
use super::step::Change;
use super::{Conflicts, DesiredPod, Error, Namespace, Observed, ObservedPod, Step};
use crate::bpf::Pinned;
use crate::bpf::bpffs::Bpffs;
use crate::topology::{Datapath, Network, Topology};

/// Steps in the order in which they are to be done.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

/// What makes the node have exactly the pods of a topology.
///
/// `program_is_current` tells whether the pinned program is the one that this version carries.
///
/// # Errors
///
/// [`Conflicts`] when something of others is in the way.
pub fn up(
    topology: &Topology,
    observed: &Observed,
    program_is_current: bool,
) -> Result<Plan, Conflicts> {
    let desired = DesiredPod::all(topology, observed);
    let networks = Networks::of(topology, observed);
    let conflicts = conflict::find(topology, &desired, observed);
    if !conflicts.is_empty() {
        return Err(Conflicts(conflicts));
    }
    let mut plan = Plan::default();
    let uses_bpf = |network: &Network| network.datapath != Datapath::Kernel;
    let with_bpf = topology.networks.iter().any(uses_bpf) || observed.bpf.pinned != Pinned::No;
    if with_bpf {
        plan.install(&observed.bpf, program_is_current, topology.max_pods);
    }

    let is_kept = |pod: &&ObservedPod| {
        desired
            .iter()
            .any(|wanted| wanted.pod.interface == pod.link.name && is_same(wanted, pod))
    };
    let (kept, gone): (Vec<_>, Vec<_>) = observed.pods.values().partition(is_kept);
    plan.delete_links(observed, &gone);
    plan.forget(observed, &kept);
    if with_bpf {
        // Smaller maps may do now.
        let max_pods = observed.bpf.max_pods;
        if max_pods.is_some_and(|max_pods| max_pods != topology.max_pods) {
            plan.push(Step::Grow(topology.max_pods));
        }
        plan.steps.extend(networks.shut(&observed.bpf));
    }
    let wanted_names: BTreeSet<_> = desired.iter().map(|pod| pod.pod.netns.as_str()).collect();
    plan.delete_namespaces(observed, |name, state| {
        *state == Namespace::Leftover || !wanted_names.contains(name)
    });

    let subnets: BTreeSet<Ipv4Net> = topology.networks.iter().map(|one| one.subnet).collect();
    for subnet in &subnets {
        if !observed
            .unreachable()
            .any(|route| route.destination == (*subnet).into())
        {
            plan.push(Step::AddUnreachable(*subnet));
        }
    }
    // After the new ones: a subnet that grows or shrinks is covered throughout.
    plan.delete_routes(observed, |subnet| !subnets.contains(subnet));
    for (number, mut pod) in desired.into_iter().enumerate() {
        let now = kept.iter().find(|kept| kept.link.name == pod.pod.interface);
        let has_room = (number as u64) < u64::from(topology.max_pods);
        if !has_room {
            pod.datapath = Datapath::Kernel;
        }
        let pod = Arc::new(pod);
        if observed.namespaces.get(&pod.pod.netns) != Some(&Namespace::Ours) {
            plan.push(Step::Pod(Arc::clone(&pod), Change::CreateNamespace));
        }
        for change in changes(
            &pod,
            now.copied(),
            with_bpf && has_room,
            pod.datapath,
            &observed.bpf,
        ) {
            plan.push(Step::Pod(Arc::clone(&pod), change));
        }
        if pod.datapath == Datapath::Kernel && observed.bpf.linked.contains(&pod.pod.interface) {
            plan.detach(&pod.pod.interface);
        }
    }
    if with_bpf {
        plan.steps.extend(networks.open(&observed.bpf));
    }
    Ok(plan)
}

/// What takes everything of ours away, except for what was there at an earlier observation.
#[must_use]
pub fn down(observed: &Observed, earlier: Option<&Observed>) -> Plan {
    let mut plan = Plan::default();
    let is_old = |pod: &&ObservedPod| {
        earlier.is_some_and(|earlier| earlier.pods.contains_key(&pod.link.index))
    };
    let (kept, gone): (Vec<_>, Vec<_>) = observed.pods.values().partition(is_old);
    plan.delete_links(observed, &gone);
    let was_pinned = earlier.is_some_and(|earlier| earlier.bpf.pinned != Pinned::No);
    let all_pins_go = observed.bpf.pinned != Pinned::No && !was_pinned;
    if !all_pins_go {
        // Else what is in the maps, and what hangs on the links, goes with the pins.
        plan.forget(observed, &kept);
    }
    plan.delete_namespaces(observed, |name, state| {
        // A namespace may have come into the place of a leftover.
        earlier.is_none_or(|earlier| earlier.namespaces.get(name) != Some(state))
    });
    plan.delete_routes(observed, |subnet| {
        let is_old = |earlier: &Observed| {
            earlier
                .unreachable()
                .any(|route| route.destination == (*subnet).into())
        };
        !earlier.is_some_and(is_old)
    });
    if observed.bpf.incomplete {
        plan.push(Step::RemoveIncomplete);
    }
    if all_pins_go {
        plan.push(Step::RemovePins);
    }
    let was_mounted = earlier.is_some_and(|earlier| earlier.bpf.bpffs == Bpffs::Mounted);
    if let Some(mount_point) = &observed.bpf.own_mount
        && !was_mounted
    {
        plan.push(Step::Unmount(mount_point.clone()));
    }
    plan
}

/// What makes another datapath forward between the pods that there are.
///
/// # Errors
///
/// [`Error::Incomplete`] when a pod lacks what its map entries are made of.
pub fn switch(
    datapath: Datapath,
    observed: &Observed,
    program_is_current: bool,
) -> Result<Plan, Error> {
    // For either datapath: a pod that cannot be verified afterwards is better known before.
    let pods = observed.pods.values();
    let pods = pods.map(|now| Ok((now, Arc::new(now.desired(observed)?))));
    let pods: Vec<_> = pods.collect::<Result<_, Error>>()?;
    let networks = Networks::read_back(observed, datapath);
    let mut plan = Plan::default();
    match datapath {
        Datapath::Kernel => plan.detach_all(&observed.bpf),
        Datapath::Tc | Datapath::Xdp | Datapath::XdpGeneric => {
            let pods_now = u32::try_from(pods.len()).unwrap_or(u32::MAX);
            let max_pods = pods_now.max(abi::DEFAULT_MAX_PODS);
            plan.install(&observed.bpf, program_is_current, max_pods);
            plan.steps.extend(networks.shut(&observed.bpf));
            for (now, pod) in pods {
                for change in bpf_changes(&pod, Some(now), Datapath::Tc, &observed.bpf) {
                    plan.push(Step::Pod(Arc::clone(&pod), change));
                }
            }
        }
    }
    if observed.bpf.pinned != Pinned::No || datapath != Datapath::Kernel {
        plan.steps.extend(networks.open(&observed.bpf));
    }
    Ok(plan)
}

impl Plan {
    fn push(&mut self, step: Step) {
        self.steps.push(step);
    }

    fn install(&mut self, bpf: &BpfState, program_is_current: bool, max_pods: u32) {
        if let Bpffs::Missing(mount_point) = &bpf.bpffs {
            self.push(Step::MountBpffs(mount_point.clone()));
        }
        if bpf.incomplete {
            self.push(Step::RemoveIncomplete);
        }
        match bpf.pinned {
            Pinned::No => self.push(Step::Install(max_pods)),
            Pinned::InPart => {
                self.steps
                    .extend([Step::RemovePins, Step::Install(max_pods)]);
            }
            Pinned::Yes if !program_is_current => self.push(Step::Replace),
            Pinned::Yes => {}
        }
    }

    /// Deletes links of ours, all at once because the kernel waits for each deletion. The kernel
    /// takes a link that goes out of the targets by itself.
    fn delete_links(&mut self, observed: &Observed, gone: &[&ObservedPod]) {
        let gone = gone.iter().map(|pod| &pod.link);
        let links = gone.chain(&observed.orphans);
        let links: Vec<_> = links.map(|link| (link.index, link.name.clone())).collect();
        if !links.is_empty() {
            self.push(Step::DeleteLinks(links));
        }
    }

    /// Removes what maps and pinned links there are of others than `kept`. After the links, so that
    /// no pod can send past its guard: the program stays, and knows its sender, as long as the link
    /// is there.
    fn forget(&mut self, observed: &Observed, kept: &[&ObservedPod]) {
        let bpf = &observed.bpf;
        let indexes: BTreeSet<_> = kept.iter().map(|pod| pod.link.index).collect();
        let names: BTreeSet<_> = kept.iter().map(|pod| pod.link.name.as_str()).collect();

        let addresses = bpf.entries.pods.iter();
        let stale = addresses.filter(|(_, pod)| !indexes.contains(&pod.ifindex));
        let forget = stale.map(|(address, _)| Step::ForgetAddress(*address));
        self.steps.extend(forget);
        let linked = bpf.linked.iter();
        let stale = linked.filter(|name| !names.contains(name.as_str()));
        self.steps.extend(stale.cloned().map(Step::Detach));
        if bpf.pinned == Pinned::Yes {
            let entered = bpf.entries.ports.keys().chain(&bpf.entries.targets);
            let ports: BTreeSet<_> = entered.chain(observed.pods.keys()).copied().collect();
            let stale = ports.difference(&indexes);
            self.steps.extend(stale.copied().map(Step::ForgetPort));
        }
    }

    fn delete_namespaces(
        &mut self,
        observed: &Observed,
        unwanted: impl Fn(&str, &Namespace) -> bool,
    ) {
        for (name, state) in &observed.namespaces {
            let is_ours = matches!(state, Namespace::Ours | Namespace::Leftover);
            if is_ours && unwanted(name, state) {
                self.push(Step::DeleteNamespace(name.clone()));
            }
        }
    }

    fn delete_routes(&mut self, observed: &Observed, unwanted: impl Fn(&Ipv4Net) -> bool) {
        let routes = observed.unreachable();
        let unwanted = routes.filter(|route| match &route.destination {
            IpNet::V4(subnet) => unwanted(subnet),
            IpNet::V6(_) => false,
        });
        self.steps.extend(unwanted.cloned().map(Step::DeleteRoute));
    }

    fn detach(&mut self, interface: &str) {
        let step = Step::Detach(interface.to_owned());
        if !self.steps.contains(&step) {
            self.push(step);
        }
    }

    fn detach_all(&mut self, bpf: &BpfState) {
        for interface in &bpf.linked {
            self.detach(interface);
        }
    }
}
