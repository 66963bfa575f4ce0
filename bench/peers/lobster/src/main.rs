//! The order flow of `trading bench book` through the order book of the lobster crate.
//!
//!     lobster-flow [ORDERS]
//!
//! Prints one JSON object. The time of the processor is what counts: the machine is shared.
use lobster::{OrderBook, OrderEvent, OrderType, Side};
use std::time::Instant;

const FIRST_STATE: u64 = 88172645463325252;
const SAMPLED: u64 = 17;
/// Room for all orders that rest at once, so that the book need not grow while it is measured.
const ARENA: usize = 1_000_000;
const QUEUE: usize = 10_000;

fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn order(id: u64, u: u64) -> OrderType {
    OrderType::Limit {
        id: u128::from(id),
        side: if u & 1 == 0 { Side::Bid } else { Side::Ask },
        qty: 1 + (u >> 20) % 100,
        price: 9950 + (u >> 1) % 101,
    }
}

#[derive(Default)]
struct Sums {
    trades: u64,
    shares: u64,
    resting: u64,
}

impl Sums {
    fn add(&mut self, event: &OrderEvent) {
        let (fills, rests) = match event {
            OrderEvent::Placed { .. } => (&[][..], true),
            OrderEvent::PartiallyFilled { fills, .. } => (&fills[..], true),
            OrderEvent::Filled { fills, .. } => (&fills[..], false),
            _ => (&[][..], false),
        };
        self.resting += u64::from(rests);
        for fill in fills {
            self.trades += 1;
            self.shares += fill.qty;
            self.resting -= u64::from(fill.total_fill);
        }
    }
}

/// Nanoseconds that this thread was on a processor.
fn cpu() -> u64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or(0)
}

fn percentile(samples: &[u64], part: f64) -> f64 {
    samples[((samples.len() - 1) as f64 * part) as usize] as f64 / 1000.0
}

fn main() {
    let orders: u64 = std::env::args().nth(1).map_or(3_000_000, |text| text.parse().expect("a number of orders"));
    let mut book = OrderBook::new(ARENA, QUEUE, false);
    let mut state = FIRST_STATE;
    let mut sums = Sums::default();
    let mut samples = Vec::with_capacity((orders / SAMPLED + 1) as usize);
    let cpu_before = cpu();
    let begun = Instant::now();
    for id in 0..orders {
        let next_order = order(id, next(&mut state));
        if id % SAMPLED == 0 {
            let at = Instant::now();
            sums.add(&book.execute(next_order));
            samples.push(at.elapsed().as_nanos() as u64);
        } else {
            sums.add(&book.execute(next_order));
        }
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu_seconds = (cpu() - cpu_before) as f64 * 1e-9;
    samples.sort_unstable();
    println!(
        "{{\"work\":\"book\",\"orders\":{},\"per_second\":{:.0},\"per_cpu_second\":{:.0},\"p50_us\":{:.3},\"p99_us\":{:.3},\
         \"trades\":{},\"shares\":{},\"resting\":{}}}",
        orders,
        orders as f64 / seconds,
        orders as f64 / cpu_seconds,
        percentile(&samples, 0.5),
        percentile(&samples, 0.99),
        sums.trades,
        sums.shares,
        sums.resting
    );
}
