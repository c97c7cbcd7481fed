//! The command line, declared: what may be said, and what it is called in help and errors.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use pseudobridge_common::abi::Reason;

use crate::output::Format;
use crate::topology::Datapath;

/// Where programs, links and maps are pinned when nothing else is said.
pub const DEFAULT_PIN_ROOT: &str = "/sys/fs/bpf/pseudobridge";

/// Heading of the options that every command has.
const GLOBAL: &str = "Global options";

/// Pod networks with no shared layer 2, forwarded by BPF.
///
/// Every pod hangs on a veth pair of its own with a /32 route on the node; the kernel's proxy ARP
/// lies beneath, and BPF programs on the host-side veths carry the traffic past it.
#[derive(Debug, Clone, PartialEq, Eq, Parser)]
#[command(name = "pseudobridge", version, after_help = EXIT_CODES)]
pub struct Cli {
    /// Directory under a BPF file system that holds what is pinned; a second node needs its own
    #[arg(
        long,
        global = true,
        help_heading = GLOBAL,
        value_name = "DIR",
        env = "PSEUDOBRIDGE_PIN_ROOT",
        default_value = DEFAULT_PIN_ROOT
    )]
    pub pin_root: PathBuf,

    /// How results are printed on standard output
    #[arg(short, long, global = true, help_heading = GLOBAL, value_name = "FORMAT", default_value_t)]
    pub output: Format,

    /// Log more to standard error: -v info, -vv debug, -vvv trace
    #[arg(short, long, global = true, help_heading = GLOBAL, action = ArgAction::Count)]
    pub verbose: u8,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Build the pod networks of a topology, and verify them.
    ///
    /// Only what is missing or different is touched, so it is safe to run twice, or after a crash.
    #[command(after_long_help = UP_EXAMPLES)]
    Up(Up),

    /// Remove everything that `up` made.
    ///
    /// Links, routes, namespaces, settings and pins are left as they were before it.
    #[command(after_long_help = DOWN_EXAMPLES)]
    Down(Down),

    /// Show pods, interfaces, programs and counters.
    ///
    /// What is shown is read from the kernel at this moment; nothing is changed.
    #[command(after_long_help = STATUS_EXAMPLES)]
    Status,

    /// Print the packets that were dropped, or left to the kernel, as it happens.
    ///
    /// One line an event: when, from which pod and interface, what became of the packet and why,
    /// its length, and its first bytes decoded. Also an address that is used twice. Packets that
    /// are forwarded or answered are only counted (`status`). At most ten events a second are sent
    /// for each pod, reason and CPU, and the first packet of each kind goes without one.
    ///
    /// What happened before the command was started is left out. Only one monitor at a time reads
    /// the events of a node: a second one is refused. Ctrl-C ends it.
    #[command(after_long_help = MONITOR_EXAMPLES)]
    Monitor(Monitor),

    /// Show or switch who forwards between pods.
    ///
    /// Switching attaches or detaches the BPF programs and touches nothing else.
    #[command(after_long_help = DATAPATH_EXAMPLES)]
    Datapath(SwitchDatapath),
}

/// Arguments of `up`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Up {
    /// Topology file; without it the built-in one: ns1 and ns2 in 172.30.30.0/24
    #[arg(short, long, value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Who forwards between pods, whatever the file says
    #[arg(long, value_name = "DATAPATH")]
    pub datapath: Option<Datapath>,

    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,

    /// Which pods send ARP and ICMP to each other at the end [default: all up to 16 pods, else
    /// sample]
    #[arg(long, value_name = "PAIRS", conflicts_with = "dry_run")]
    pub verify: Option<Verify>,
}

/// Arguments of `down`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Down {
    /// Print what would be done, and do nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `monitor`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct Monitor {
    /// End after this many events
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Only packets that met this reason; may be given more than once
    #[arg(long, value_name = "REASON", value_parser = reasons(), hide_possible_values = true)]
    pub reason: Vec<Reason>,

    /// Only packets from this pod; may be given more than once
    #[arg(long, value_name = "POD")]
    pub pod: Vec<String>,
}

/// The reasons, by their words.
fn reasons() -> impl TypedValueParser<Value = Reason> {
    PossibleValuesParser::new(Reason::ALL.map(Reason::as_str)).try_map(|word| {
        let mut reasons = Reason::ALL.into_iter();
        reasons
            .find(|reason| reason.as_str() == word)
            .ok_or("no such reason")
    })
}

/// Arguments of `datapath`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct SwitchDatapath {
    /// The datapath to switch to; without it the present one is shown
    pub datapath: Option<Datapath>,
}

/// Which pods the verification at the end of `up` lets talk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    /// Every pod to its gateway and to every other pod of its network
    All,
    /// Every pod to its gateway and to two others
    Sample,
    /// Nothing is sent
    None,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  done, and verified where it was asked for
  1  failed; standard error says what and what to do
  2  the command line is wrong";

const UP_EXAMPLES: &str = "\
Examples:
  pseudobridge up
  pseudobridge up -f net.toml --dry-run
  pseudobridge up -f net.toml --datapath kernel --verify sample
  pseudobridge up -o json";

const DOWN_EXAMPLES: &str = "\
Examples:
  pseudobridge down --dry-run
  pseudobridge down";

const STATUS_EXAMPLES: &str = "\
Examples:
  pseudobridge status
  pseudobridge status -o json
  pseudobridge status --pin-root /sys/fs/bpf/second-node";

const MONITOR_EXAMPLES: &str = "\
Examples:
  pseudobridge monitor
  pseudobridge monitor --pod ns1 --reason isolated
  pseudobridge monitor -o json --count 10";

const DATAPATH_EXAMPLES: &str = "\
Examples:
  pseudobridge datapath
  pseudobridge datapath kernel
  pseudobridge datapath tc -o json";

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;
    use clap::error::ErrorKind;

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_and_they_parse() {
        let mut command = Cli::command();
        command.build();
        for verb in command.get_subcommands_mut() {
            let name = verb.get_name().to_owned();
            if name == "help" {
                continue;
            }
            let help = verb.render_long_help().to_string();
            let (_, examples) = help
                .split_once("Examples:\n")
                .expect("examples in long help");
            let lines: Vec<_> = examples
                .lines()
                .map(str::trim)
                .filter(|l| !l.is_empty())
                .collect();
            assert!(lines.len() >= 2, "{name}: {lines:?}");
            for line in lines {
                let prefix = format!("pseudobridge {name}");
                assert!(line.starts_with(&prefix), "{line} under the help of {name}");
                parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
            }
        }
    }

    #[test]
    fn every_command_says_what_it_is_in_two_sentences() {
        for verb in Cli::command().get_subcommands() {
            let about = verb.get_about().expect("a first line").to_string();
            let long = verb.get_long_about().expect("a second line").to_string();
            assert!(!about.contains('\n') && about.len() <= 72, "{about}");
            assert!(
                long.starts_with(&about) && long.len() > about.len() + 10,
                "{long}"
            );
        }
    }

    #[test]
    fn the_main_help_lists_the_exit_codes() {
        let help = Cli::command().render_help().to_string();
        for code in ["  0  done", "  1  failed", "  2  the command line"] {
            assert!(help.contains(code), "{help}");
        }
        assert_eq!(parse("pseudobridge").unwrap_err().exit_code(), 2);
        assert_eq!(parse("pseudobridge down --now").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn up_takes_what_the_file_says_unless_told() {
        let Command::Up(up) = parse("pseudobridge up").unwrap().command else {
            panic!("up is not up")
        };
        let nothing = Up {
            file: None,
            datapath: None,
            dry_run: false,
            verify: None,
        };
        assert_eq!(up, nothing);
        let line = "pseudobridge up --file n.toml --datapath kernel --verify none";
        let Command::Up(up) = parse(line).unwrap().command else {
            panic!("up is not up")
        };
        let told = Up {
            file: Some("n.toml".into()),
            datapath: Some(Datapath::Kernel),
            verify: Some(Verify::None),
            ..nothing
        };
        assert_eq!(up, told);
    }

    #[test]
    fn a_dry_run_has_nothing_to_verify() {
        let error = parse("pseudobridge up --dry-run --verify all").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ArgumentConflict);
    }

    /// One vocabulary: every word of the topology file is one of the command line.
    #[test]
    fn datapath_words_are_those_of_the_file() {
        for datapath in Datapath::ALL {
            let cli = parse(&format!("pseudobridge datapath {datapath}")).unwrap();
            let expected = SwitchDatapath {
                datapath: Some(*datapath),
            };
            assert_eq!(cli.command, Command::Datapath(expected));
        }
        let error = parse("pseudobridge datapath ebpf").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue);
        assert!(
            error
                .to_string()
                .contains("[possible values: kernel, tc, xdp, xdp-generic]"),
            "{error}"
        );
    }

    #[test]
    fn global_arguments_stand_before_or_behind_the_command() {
        let before = parse("pseudobridge --pin-root /b -vv -o json status").unwrap();
        let behind = parse("pseudobridge status -o json -vv --pin-root /b").unwrap();
        assert_eq!(before, behind);
        assert_eq!(before.pin_root, PathBuf::from("/b"));
        assert_eq!(before.verbose, 2);
        assert_eq!(before.output, Format::Json);
    }

    #[test]
    fn the_pin_root_may_come_from_the_environment() {
        let command = Cli::command();
        let pin_root = command
            .get_arguments()
            .find(|arg| arg.get_id() == "pin_root")
            .unwrap();
        assert_eq!(pin_root.get_env().unwrap(), "PSEUDOBRIDGE_PIN_ROOT");
        assert_eq!(pin_root.get_default_values(), [DEFAULT_PIN_ROOT]);
    }
}
