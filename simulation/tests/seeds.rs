//! Some thousands of worlds, in every run of the tests.

#[test]
fn no_world_breaks_an_invariant() {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failures = simulation::run_many(0..3_000, threads);
    assert!(
        failures.is_empty(),
        "{failures:#?}\nread one: cargo xtask simulate --from SEED --trace"
    );
}

/// Worlds that broke an invariant once, and have to hold ever since.
#[test]
fn what_once_broke_holds() {
    for seed in [3_012_488, 3_014_494, 3_019_650, 3_020_598] {
        let (_, result) = simulation::run_traced(seed);
        assert!(result.is_ok(), "seed {seed}: {result:?}");
    }
}

#[test]
fn a_seed_plays_the_same_world_every_time() {
    for seed in 0..20 {
        assert_eq!(
            simulation::run_traced(seed),
            simulation::run_traced(seed),
            "seed {seed}"
        );
    }
}

#[test]
fn no_world_breaks_an_invariant_whenever_the_tab_dies() {
    /// Each of these worlds is played once for each of its first events.
    const SEEDS: u64 = 15;
    const MOST_DEATHS: usize = 300;
    for seed in 0..SEEDS {
        let mut event = 1;
        while event <= MOST_DEATHS {
            match simulation::run_with_death(seed, event) {
                Ok(true) => event += 1,
                Ok(false) => break,
                Err(failure) => panic!("the tab dies after event {event}: {failure:?}"),
            }
        }
    }
}
