//! A link with delay and loss between two network namespaces: what `tc netem` does, for kernels without it.
//!
//! ```text
//! namespace of the client        namespace of the servers
//! browser ── veth ═══ veth ── this program ── veth ═══ veth ── servers
//!                            (40 ms, 1 % lost)
//! ```
//!
//! Ethernet frames are taken from one pair of virtual interfaces and put on the other one later, or never. The
//! kernel's TCP on both sides behaves as on any link.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener},
    process::Command,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use nix::sched::{CloneFlags, setns};
use pnet_datalink::{Channel, DataLinkReceiver, DataLinkSender, NetworkInterface};

/// From one side to the other.
pub(crate) const ONE_WAY_DELAY: Duration = Duration::from_millis(40);

/// How many of a hundred packets are lost in either direction.
pub(crate) const LOSS_PERCENT: f64 = 1.0;

/// How TCP reacts to loss: the default algorithm of Linux, Windows and macOS (RFC 9438).
pub(crate) const CONGESTION_CONTROL: &str = "cubic";

const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);
const SERVER: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

const NETWORK: &str = "10.99.0.0/24";

/// The protocol number of ARP (RFC 826) in an Ethernet frame. A lost request would stop everything for a second.
const ARP: [u8; 2] = [0x08, 0x06];

/// Makes listeners on the servers' side of the link.
#[derive(Debug)]
pub(crate) struct Gate {
    ask: Option<mpsc::Sender<mpsc::Sender<Result<TcpListener>>>>,
    /// Ends when nobody can ask any more.
    server_side: Option<thread::JoinHandle<()>>,
}

#[derive(Clone, Debug)]
struct Names {
    namespace: String,
    client: String,
    from_client: String,
    from_server: String,
    server: String,
}

impl Gate {
    /// Makes the link, and moves this thread and whatever it starts to the client's side.
    ///
    /// # Errors
    /// If this is not root, or `ip` or `ethtool` is missing.
    pub(crate) fn enter() -> Result<Arc<Self>> {
        let names = Names::new();
        names.set_up()?;
        let (ask, asked) = mpsc::channel::<mpsc::Sender<Result<TcpListener>>>();
        carry(&names.from_client, &names.from_server)?;
        let namespace = format!("/var/run/netns/{}", names.namespace);
        // This thread stays on the servers' side, and so do the listeners that it makes.
        let server_side = thread::spawn(move || {
            for answer in asked {
                let listener = TcpListener::bind((SERVER, 0)).context("the link's end has no free port");
                answer.send(listener).ok();
            }
            names.take_down();
        });
        let gate = Self {
            ask: Some(ask),
            server_side: Some(server_side),
        };
        setns(File::open(namespace)?, CloneFlags::CLONE_NEWNET).context("the namespace cannot be entered")?;
        Ok(Arc::new(gate))
    }

    /// A listener that the client reaches over the link.
    pub(crate) fn listen(&self) -> Result<tokio::net::TcpListener> {
        let (sender, answer) = mpsc::channel();
        let ask = self.ask.as_ref().context("the link is gone")?;
        ask.send(sender).context("the link is gone")?;
        let listener = answer.recv().context("the link is gone")??;
        listener.set_nonblocking(true)?;
        Ok(tokio::net::TcpListener::from_std(listener)?)
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        self.ask.take();
        if let Some(thread) = self.server_side.take() {
            thread.join().ok();
        }
    }
}

impl Names {
    fn new() -> Self {
        let id = std::process::id();
        let name = |part: &str| format!("sw{id}{part}");
        Self {
            namespace: name("ns"),
            client: name("c"),
            from_client: name("fc"),
            from_server: name("fs"),
            server: name("s"),
        }
    }

    fn set_up(&self) -> Result<()> {
        let Self {
            namespace,
            client,
            from_client,
            from_server,
            server,
        } = self;
        run(&format!("ip netns add {namespace}"))?;
        run(&format!(
            "ip link add {client} netns {namespace} type veth peer name {from_client}"
        ))?;
        run(&format!("ip link add {server} type veth peer name {from_server}"))?;
        let inside = format!("ip netns exec {namespace}");
        for (prefix, interface) in [
            (inside.as_str(), client),
            ("", from_client),
            ("", from_server),
            ("", server),
        ] {
            // A network card would split large packets and fill in checksums, but there is none.
            run(&format!(
                "{prefix} ethtool -K {interface} tx off tso off gso off gro off"
            ))?;
            run(&format!("{prefix} ip link set {interface} up"))?;
        }
        run(&format!("{inside} ip link set lo up"))?;
        run(&format!("{inside} ip address add {CLIENT}/24 dev {client}"))?;
        // It is set for this link alone: the machine's own setting must not change.
        run(&format!(
            "{inside} ip route change {NETWORK} dev {client} src {CLIENT} congctl {CONGESTION_CONTROL}"
        ))?;
        run(&format!("ip address add {SERVER}/24 dev {server}"))
    }

    /// Removes everything. An interface takes the other one of its pair with it.
    fn take_down(&self) {
        for command in [
            format!("ip link del {}", self.from_client),
            format!("ip link del {}", self.server),
            format!("ip netns del {}", self.namespace),
        ] {
            if let Err(error) = run(&command) {
                eprintln!("{error:#}");
            }
        }
    }
}

/// Runs a command whose words are separated by spaces.
fn run(line: &str) -> Result<()> {
    let mut words = line.split_whitespace();
    let program = words.next().context("an empty command")?;
    let output = Command::new(program)
        .args(words)
        .output()
        .with_context(|| format!("{program} does not start"))?;
    ensure!(
        output.status.success(),
        "{line}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(())
}

/// Carries frames between two interfaces for as long as they exist.
fn carry(one: &str, other: &str) -> Result<()> {
    let (one_sends, one_receives) = open(one)?;
    let (other_sends, other_receives) = open(other)?;
    carry_one_way(one_receives, other_sends);
    carry_one_way(other_receives, one_sends);
    Ok(())
}

fn open(name: &str) -> Result<(Box<dyn DataLinkSender>, Box<dyn DataLinkReceiver>)> {
    let interfaces: Vec<NetworkInterface> = pnet_datalink::interfaces();
    let interface = interfaces.iter().find(|interface| interface.name == name);
    let interface = interface.with_context(|| format!("there is no interface {name}"))?;
    match pnet_datalink::channel(interface, pnet_datalink::Config::default())? {
        Channel::Ethernet(sends, receives) => Ok((sends, receives)),
        _ => bail!("{name} carries no Ethernet frames"),
    }
}

fn carry_one_way(mut receives: Box<dyn DataLinkReceiver>, mut sends: Box<dyn DataLinkSender>) {
    let (sender, delayed) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        while let Ok(frame) = receives.next() {
            let is_arp = frame.get(12..14) == Some(&ARP);
            if !is_arp && fastrand::f64() * 100.0 < LOSS_PERCENT {
                continue;
            }
            if sender
                .send((Instant::now() + ONE_WAY_DELAY, frame.to_vec()))
                .is_err()
            {
                return;
            }
        }
    });
    thread::spawn(move || {
        for (due, frame) in delayed {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            // A frame that cannot be sent is lost, as on any link.
            sends.send_to(&frame, None);
        }
    });
}
