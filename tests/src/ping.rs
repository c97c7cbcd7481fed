//! What `ping` printed, read.

use crate::lab::{Output, Pod};

/// The outcome of a run of `ping -n`.
#[derive(Clone, Debug, PartialEq)]
pub struct Ping {
    /// Echo requests sent.
    pub sent: u32,
    /// Echo replies received, without duplicates.
    pub received: u32,
    /// The TTL of each reply, in order.
    pub ttl: Vec<u8>,
    /// The round-trip time of each reply in milliseconds, in order.
    pub rtt: Vec<f64>,
}

impl Ping {
    /// Sends `count` echo requests from a pod, fifty a second, waiting up to 3 s for the last reply.
    ///
    /// # Panics
    /// When `ping` itself fails, say because the pod has no route.
    #[track_caller]
    #[must_use]
    pub fn send(from: &Pod<'_>, to: &str, count: u32) -> Self {
        let count = count.to_string();
        Self::of(&from.run(["ping", "-n", "-c", &count, "-i", "0.02", "-W", "3", to]))
    }

    /// Reads the output of `ping`: its exit code 1 (no reply) is an outcome too.
    ///
    /// # Panics
    /// When that is not the output of a `ping` that ran.
    #[track_caller]
    #[must_use]
    pub fn of(output: &Output) -> Self {
        match Self::parse(&output.stdout) {
            Some(ping) => ping,
            None => panic!("not the output of a ping that ran:\n{output}"),
        }
    }

    /// Whether every request was answered.
    #[must_use]
    pub fn lossless(&self) -> bool {
        self.sent > 0 && self.received == self.sent
    }

    fn parse(text: &str) -> Option<Self> {
        let summary = text
            .lines()
            .find(|line| line.contains("packets transmitted"))?;
        let mut counts = summary.split(", ").map(|part| part.split(' ').next());
        let (sent, received) = (counts.next()??.parse().ok()?, counts.next()??.parse().ok()?);
        let (mut ttl, mut rtt) = (Vec::new(), Vec::new());
        for reply in text.lines().filter(|line| line.contains("bytes from")) {
            ttl.push(after(reply, "ttl=")?.parse().ok()?);
            rtt.push(after(reply, "time=")?.parse().ok()?);
        }
        Some(Self {
            sent,
            received,
            ttl,
            rtt,
        })
    }
}

/// The word that follows `key` in a line.
fn after<'line>(line: &'line str, key: &str) -> Option<&'line str> {
    line.split_once(key)?.1.split(' ').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_OF_THREE: &str = "\
PING 172.30.30.12 (172.30.30.12) 56(84) bytes of data.
64 bytes from 172.30.30.12: icmp_seq=1 ttl=63 time=843 ms
64 bytes from 172.30.30.12: icmp_seq=3 ttl=62 time=0.083 ms

--- 172.30.30.12 ping statistics ---
3 packets transmitted, 2 received, 33.3333% packet loss, time 403ms
rtt min/avg/max/mdev = 0.083/421.5/843.000/421.459 ms
";

    #[test]
    fn replies_are_read() {
        let ping = Ping::parse(TWO_OF_THREE).unwrap();
        let expected = Ping {
            sent: 3,
            received: 2,
            ttl: vec![63, 62],
            rtt: vec![843.0, 0.083],
        };
        assert_eq!(ping, expected);
        assert!(!ping.lossless());
    }

    #[test]
    fn errors_are_no_replies() {
        let text = "From 172.30.30.11 icmp_seq=1 Destination Host Unreachable\n\n\
                    1 packets transmitted, 0 received, +1 errors, 100% packet loss, time 0ms\n";
        let ping = Ping::parse(text).unwrap();
        assert_eq!(
            ping,
            Ping {
                sent: 1,
                received: 0,
                ttl: vec![],
                rtt: vec![]
            }
        );
    }

    #[test]
    fn a_ping_that_did_not_run_is_no_outcome() {
        assert_eq!(Ping::parse("ping: connect: Network is unreachable\n"), None);
    }
}
