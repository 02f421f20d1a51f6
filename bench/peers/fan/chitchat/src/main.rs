//! Drives chitchat for bench/peers/fan: holders in this process, an open generator, and one cell
//! of the table as JSON. Arguments: holders, writes a second, seconds.
use std::net::SocketAddr;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chitchat::transport::UdpTransport;
use chitchat::{spawn_chitchat, ChitchatConfig, ChitchatId, FailureDetectorConfig, ProtocolVersion};

const KEYS: usize = 200;
const SAMPLED: u64 = 5000;
const GOSSIP: Duration = Duration::from_millis(100);

/// What was written, and what arrived.
struct Ledger {
    stride: u64,
    all: u32,
    due: Vec<AtomicI64>,
    seen: Vec<AtomicU32>,
    took: Vec<AtomicI64>,
    delivered: AtomicU64,
    began: Instant,
}

impl Ledger {
    fn now(&self) -> i64 {
        self.began.elapsed().as_nanos() as i64
    }

    /// Values begin with the number of the write, from 1; 0 only fills.
    fn arrived(&self, value: &str) {
        self.delivered.fetch_add(1, Relaxed);
        let n: u64 = value.get(..20).and_then(|s| s.parse().ok()).unwrap_or(0);
        if n == 0 || (n - 1) % self.stride != 0 {
            return;
        }
        let i = ((n - 1) / self.stride) as usize;
        if i < self.due.len() && self.seen[i].fetch_add(1, Relaxed) + 1 == self.all {
            self.took[i].store((self.now() - self.due[i].load(Relaxed)).max(1), Relaxed);
        }
    }
}

/// Processor time of this process in nanoseconds.
fn used() -> i64 {
    let mut total = 0;
    if let Ok(tasks) = std::fs::read_dir("/proc/self/task") {
        for t in tasks.flatten() {
            if let Ok(s) = std::fs::read_to_string(t.path().join("schedstat")) {
                total += s.split(' ').next().and_then(|n| n.parse::<i64>().ok()).unwrap_or(0);
            }
        }
    }
    total
}

/// What the loopback device has carried.
fn loopback() -> u64 {
    let s = std::fs::read_to_string("/proc/net/dev").unwrap_or_default();
    s.lines()
        .find_map(|l| l.trim().strip_prefix("lo:").map(str::to_owned))
        .and_then(|l| l.split_whitespace().next().and_then(|n| n.parse().ok()))
        .unwrap_or(0)
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    let args: Vec<String> = std::env::args().collect();
    let (holders, rate, span): (usize, u64, f64) = (args[1].parse()?, args[2].parse()?, args[3].parse()?);
    let stride = (rate / SAMPLED).max(1);
    let room = (rate as f64 * span) as usize / stride as usize + 16;
    let ledger = Arc::new(Ledger {
        stride,
        all: holders as u32 - 1,
        due: (0..room).map(|_| AtomicI64::new(0)).collect(),
        seen: (0..room).map(|_| AtomicU32::new(0)).collect(),
        took: (0..room).map(|_| AtomicI64::new(0)).collect(),
        delivered: AtomicU64::new(0),
        began: Instant::now(),
    });
    let mut nodes = Vec::new();
    for i in 0..holders {
        let addr: SocketAddr = ([127, 0, 0, 1], 21_000 + i as u16).into();
        let id = ChitchatId { node_id: Arc::from(format!("node-{i}").as_str()), generation_id: 0, gossip_advertise_addr: addr };
        let config = ChitchatConfig {
            chitchat_id: id.clone(),
            cluster_id: "fan".to_string(),
            gossip_interval: GOSSIP,
            listen_addr: addr,
            seed_nodes: vec!["127.0.0.1:21000".to_string()],
            failure_detector_config: FailureDetectorConfig { initial_interval: GOSSIP, ..Default::default() },
            marked_for_deletion_grace_period: Duration::from_secs(3600),
            catchup_callback: None,
            extra_liveness_predicate: None,
            protocol_version: ProtocolVersion::V1,
        };
        let node = spawn_chitchat(config, Vec::new(), &UdpTransport).await?;
        let l = ledger.clone();
        let own = id.clone();
        node.chitchat().lock().await.subscribe_event("key-", move |e| {
            if *e.node != own {
                l.arrived(e.value);
            }
        }).forever();
        nodes.push((id, node));
    }
    let end = Instant::now() + Duration::from_secs(60);
    for (_, n) in &nodes {
        while n.chitchat().lock().await.live_nodes().count() < holders {
            anyhow::ensure!(Instant::now() < end, "chitchat did not form within a minute");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let (mut rnd, mut turn) = (0x9e37_79b9_7f4a_7c15u64, vec![0usize; holders]);
    let mut newest = vec![vec![String::new(); KEYS]; holders];
    let (mut all, mut result) = (0u64, (0u64, 0f64, 0i64, 0u64, 0u64));
    for (length, measured) in [(0.5, false), (span, true)] {
        let (usage, bytes, before, start) = (used(), loopback(), ledger.delivered.load(Relaxed), ledger.now());
        let give = start + (length * 1.02e9) as i64;
        let n = (rate as f64 * length) as u64;
        let mut i = 0;
        while i < n && ledger.now() < give {
            let at = start + (i as f64 / rate as f64 * 1e9) as i64;
            let wait = at - ledger.now();
            if wait > 0 {
                tokio::time::sleep(Duration::from_nanos(wait as u64)).await;
                continue;
            }
            if measured && i % stride == 0 {
                ledger.due[(i / stride) as usize].store(at, Relaxed);
            }
            rnd ^= rnd << 13;
            rnd ^= rnd >> 7;
            rnd ^= rnd << 17;
            let w = (rnd % holders as u64) as usize;
            let key = turn[w];
            turn[w] = (key + 1) % KEYS;
            let value = format!("{:020}{:044}", if measured { i + 1 } else { 0 }, rnd);
            nodes[w].1.chitchat().lock().await.self_node_state().set(format!("key-{key}"), &value);
            newest[w][key] = value;
            all += 1;
            i += 1;
        }
        let took = (ledger.now() - start) as f64;
        result = (i, took, used() - usage, loopback() - bytes, ledger.delivered.load(Relaxed) - before);
    }
    let end = Instant::now() + Duration::from_secs(10);
    let mut differ;
    loop {
        differ = 0;
        for (h, (_, n)) in nodes.iter().enumerate() {
            let c = n.chitchat();
            let c = c.lock().await;
            for (w, (id, _)) in nodes.iter().enumerate().filter(|(w, _)| *w != h) {
                let state = c.node_state(id);
                for (key, want) in newest[w].iter().enumerate().filter(|(_, v)| !v.is_empty()) {
                    if state.and_then(|s| s.get(&format!("key-{key}"))) != Some(want) {
                        differ += 1;
                    }
                }
            }
        }
        if differ == 0 || Instant::now() > end {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (written, took, usage, bytes, delivered) = result;
    let followed = ((written + stride - 1) / stride) as usize;
    let mut list: Vec<i64> = ledger.took[..followed].iter().map(|t| t.load(Relaxed)).filter(|t| *t > 0).collect();
    list.sort_unstable();
    let at = |p: usize| if list.is_empty() { 0.0 } else { list[list.len() * p / 100] as f64 / 1e6 };
    let overtaken = (1.0 - ledger.delivered.load(Relaxed) as f64 / all as f64 / (holders - 1) as f64).max(0.0);
    println!(
        "{{\"kind\":\"chitchat\",\"rate\":{rate},\"span_s\":{span},\"written_per_s\":{},\"p50_ms\":{},\"p99_ms\":{},\"cpu_us_per_delivery\":{},\"cores\":{},\"bytes_per_delivery\":{},\"deliveries_per_s\":{},\"overtaken\":{overtaken},\"missed\":{},\"differ\":{differ}}}",
        written as f64 / took * 1e9, at(50), at(99), usage as f64 / 1e3 / delivered.max(1) as f64, usage as f64 / took,
        bytes as f64 / delivered.max(1) as f64, delivered as f64 / took * 1e9, followed - list.len(),
    );
    std::process::exit(0)
}
