//! The dry run says what the run then does.

use envelope_dynamo::maintain::{Counts, Demand, Estimate, Rates};
use envelope_examples::Fault;

use crate::bench::{Bench, Clinic, patient};

fn assert_near(what: &str, estimated: f64, found: f64, within: f64) {
    let off = (estimated - found).abs() / found.max(1.0);
    println!("{what}: estimated {estimated}, found {found}, off by {:.2} %", off * 100.0);
    assert!(off <= within, "{what}: estimated {estimated}, found {found}");
}

fn assert_fits(estimate: &Estimate, counts: &Counts, within: f64) {
    assert_near("read units", estimate.demand.read_units, counts.read_units, within);
    assert_near("write units", estimate.demand.write_units, counts.write_units, within);
}

/// Patients of many sizes, all with groups; visits that share data keys.
async fn seed(bench: &Bench, patients: usize) {
    bench.seed(patients).await;
    let table = bench.table(&bench.old);
    for id in 0..patients {
        let mut patient = patient(id);
        patient.name = "x".repeat(id * 397 % 9_000);
        table.put(&Clinic::Patient(patient)).send().await.unwrap();
    }
}

#[tokio::test]
async fn an_estimate_of_all_pages_is_what_the_run_consumes() {
    let bench = Bench::indexed().await;
    seed(&bench, 60).await;
    bench.table(&bench.new).put(&Clinic::Patient(patient(100))).send().await.unwrap();
    bench.table_with(bench.both()).put(&Clinic::Patient(patient(101))).send().await.unwrap();
    let table = bench.stored();
    let before = bench.items().await;
    let run = || table.rewrap(bench.kms(), &bench.old, &bench.new);
    let estimate = run().estimate().send().await.unwrap();
    assert_eq!(bench.items().await, before, "nothing is changed");
    assert_eq!(bench.faults.calls("ReEncrypt") + bench.faults.calls("UpdateItem"), 0);

    let counts = run().send().await.unwrap();
    println!("{estimate}");
    assert_eq!(estimate.sample, None);
    let classes = &estimate.classes;
    assert_eq!((classes.due, classes.already), (counts.changed as f64, counts.already as f64));
    assert_eq!(estimate.demand.kms_calls, counts.kms_calls as f64, "KMS calls are exact");
    assert_fits(&estimate, &counts, 0.02);
    let said = estimate.to_string();
    assert!(said.contains("by_ward") && said.contains("this limit binds"), "{said}");
    let again = run().estimate().send().await.unwrap();
    assert_eq!((again.demand.kms_calls, again.demand.write_units), (0.0, 0.0));
}

/// A sample of half the table: within 10 % here, since the sizes of the items differ by a factor of
/// 30. More pages make it better.
#[tokio::test]
async fn an_estimate_of_a_sample_is_near() {
    let bench = Bench::indexed().await;
    seed(&bench, 120).await;
    let table = bench.stored();
    let run = || table.rewrap(bench.kms(), &bench.old, &bench.new);
    let estimate = run().estimate().pages(2).send().await.unwrap();
    let sample = estimate.sample.unwrap();
    println!("{estimate}");
    assert!(sample.items > 0 && sample.segments < sample.of_segments, "{sample:?}");
    let counts = run().send().await.unwrap();
    assert_near("items", estimate.items, counts.seen() as f64, 0.02);
    assert_fits(&estimate, &counts, 0.1);
}

#[tokio::test]
async fn a_role_that_may_not_read_whole_items_gets_a_rough_estimate() {
    let bench = Bench::indexed().await;
    seed(&bench, 20).await;
    let table = bench.stored();
    let run = || table.rewrap(bench.kms(), &bench.old, &bench.new);
    bench.faults.fail_next("Scan", Fault::error("AccessDeniedException"));
    let estimate = run().estimate().send().await.unwrap();
    assert!(estimate.unknown.iter().any(|it| it.contains("average")), "{estimate}");
    let counts = run().send().await.unwrap();
    assert_eq!(estimate.demand.kms_calls, counts.kms_calls as f64);
    let projected = envelope_tests::requests(&bench.faults, "Scan");
    assert!(projected.iter().skip(1).all(|scan| scan["Select"] == "SPECIFIC_ATTRIBUTES"));
}

/// The table of the operator's chapter: 500 million items of 1 KB before sealing.
#[test]
fn half_a_billion_items_cost_what_the_chapter_says() {
    const ITEMS: u64 = 500_000_000;
    let million = |value: f64| (value / 1e6).round();
    let rewrap = Demand::of_rewrap(ITEMS, 1_324);
    let branch = Demand::of_rewrap(ITEMS, 1_184).with_kms_calls(0.0);
    let coverage = Demand::of_coverage(ITEMS, 1_324);
    let moved = Demand { read_units: 1.0, write_units: 3.0, kms_calls: 3.0 };
    let tenants = Demand { read_units: 0.0, write_units: 2e5, kms_calls: 2e5 };
    let people = Demand { read_units: 0.0, write_units: 5e7, kms_calls: 5e7 };
    println!("| | KMS calls | RCU, WCU (million) | dollars |");
    for (what, demand, calls, units, dollars) in [
        ("rewrap", rewrap, 500.0, (81.0, 1_000.0), 2_135.0),
        ("reseal under branch keys", branch, 0.0, (72.0, 1_000.0), 634.0),
        ("coverage", coverage, 0.0, (162.0, 0.0), 20.0),
        ("50 million branches", people, 50.0, (0.0, 50.0), 181.0),
    ] {
        let total = demand.dollars().total();
        let (reads, writes) = (million(demand.read_units), million(demand.write_units));
        println!("| {what} | {} M | {reads}, {writes} | {total:.2} |", million(demand.kms_calls));
        assert_eq!((million(demand.kms_calls), (reads, writes)), (calls, units), "{what}");
        assert_eq!(total.round(), dollars, "{what}");
    }
    assert!(moved.dollars().total() < 0.01);
    assert_eq!((tenants.dollars().total() * 100.0).round(), 73.0);

    // Hours at all of the limit; at half of it they are twice as many.
    let hours = |demand: &Demand, kms: f64| {
        let times = demand.times(&Rates { kms, ..Rates::default() });
        (times[0].limit, (times[0].seconds / 360.0).round() / 10.0)
    };
    for (demand, kms, binds) in [
        (rewrap, 10_000.0, ("kms", 13.9)),
        (rewrap, 20_000.0, ("kms", 6.9)),
        (rewrap, 100_000.0, ("write-units", 6.9)),
        (rewrap, 1_800.0, ("kms", 77.2)),
        (branch, 10_000.0, ("write-units", 6.9)),
        (coverage, 10_000.0, ("read-units", 1.1)),
        (people, 10_000.0, ("kms", 1.4)),
    ] {
        let (limit, hours) = hours(&demand, kms);
        println!("at {kms} KMS calls a second: {hours} h, {limit}");
        assert_eq!((limit, hours), binds);
    }
    let dollars = rewrap.dollars();
    assert_eq!((dollars.kms, dollars.writes, dollars.reads.round()), (1_500.0, 625.0, 10.0));
    assert_eq!((dollars.trail_copy, dollars.guard_duty), (10_000.0, 2_000.0));
}
