//! The netlink layer against the kernel. Each test has a network and a mount namespace to itself.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod addresses;
mod dual;
mod features;
mod links;
mod namespaces;
mod rules;

use std::{panic::resume_unwind, process::Command, thread};

use ipnet::IpNet;
use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
    unistd::geteuid,
};
use pseudobridge::netlink::{Link, Netlink, VethEnd, VethSpec, netns::NetNs};

const PROTOCOL: u8 = 191;
const GROUP: u32 = 0x7062;
const HOST_MAC: [u8; 6] = [0x02, 0x70, 0x62, 0, 0, 1];
const POD_MAC: [u8; 6] = [0x02, 0x70, 0x62, 0, 0, 2];

/// Runs a test on a thread with its own network and mount namespaces and an empty /run.
fn alone(test: impl FnOnce() + Send + 'static) {
    assert!(
        geteuid().is_root(),
        "this test makes namespaces: run it as root"
    );
    thread::spawn(|| {
        unshare(CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS).unwrap();
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).unwrap();
        mount(Some("tmpfs"), "/run", Some("tmpfs"), MsFlags::empty(), none).unwrap();
        test();
    })
    .join()
    .unwrap_or_else(|panic| resume_unwind(panic));
}

/// The same, with a connection to the namespace.
fn with_netlink(test: impl AsyncFnOnce(Netlink) + Send + 'static) {
    alone(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .unwrap();
        runtime.block_on(async { test(Netlink::open().unwrap()).await });
    });
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

/// Makes a veth pair with this file's MACs and group and an MTU of 1400.
async fn veth(netlink: &Netlink, host: &str, pod: &str, namespace: &NetNs) -> Link {
    netlink
        .veth_create(&spec(host, pod, namespace))
        .await
        .unwrap()
}

fn spec<'a>(host: &'a str, pod: &'a str, namespace: &'a NetNs) -> VethSpec<'a> {
    VethSpec {
        host: VethEnd {
            name: host,
            mac: HOST_MAC,
            mtu: 1400,
        },
        group: GROUP,
        pod: VethEnd {
            name: pod,
            mac: POD_MAC,
            mtu: 1400,
        },
        namespace,
    }
}

/// What ip(8) says.
fn ip(arguments: &[&str]) -> String {
    let output = Command::new("ip").args(arguments).output().unwrap();
    assert!(output.status.success(), "ip {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}
