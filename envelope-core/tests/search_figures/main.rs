//! What search tags reveal, in figures: the table of the guide, and the properties that tags have
//! as output of a pseudorandom function.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

mod attack;
mod population;
mod readable;

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use envelope_core::search::SearchValue;

use attack::{Figures, RECORDS, Sample, at_best, share, tag, tagger};
use population::{Population, Random};

/// Bits of a tag, and tags for each value.
const KINDS: [(u32, usize); 8] =
    [(128, 1), (16, 1), (14, 1), (12, 1), (10, 1), (8, 1), (128, 5), (12, 5)];

#[test]
fn the_guide_quotes_the_simulation() {
    let samples = Sample::all(&Population::of_surnames());
    let mut table = String::from(
        "| bits of a tag, tags of a value | records named | of the top ten | equal tag, equal \
         name | opened per match | opened per rare name |\n|---|---|---|---|---|---|\n",
    );
    for (bits, per_value) in KINDS {
        let figures = Figures::of_all(&samples, bits, per_value);
        writeln!(
            table,
            "| {bits}, {per_value} | {:.1} % | {:.0} % | {:.0} % | {:.2} | {:.1} |",
            100.0 * figures.named,
            10.0 * figures.top_ten,
            100.0 * figures.agreeing,
            figures.opened,
            figures.opened_once,
        )
        .unwrap();
        if (bits, per_value) == (128, 1) {
            assert!((0.045..0.057).contains(&figures.named), "{} named", figures.named);
        }
    }
    is_in_guide(&table);
}

#[test]
fn the_guide_quotes_what_a_readable_field_adds() {
    let population = Population::of_surnames();
    let mut table = String::from("| readable beside the tag | records named |\n|---|---|\n");
    for (what, values) in [
        ("nothing", 1),
        ("a field of 2 values", 2),
        ("a field of 20 values", 20),
        ("a field of 365 values", 365),
    ] {
        let named = readable::named(&population, values);
        writeln!(table, "| {what} | {:.0} % |", 100.0 * named).unwrap();
    }
    is_in_guide(&table);
}

/// Frequencies of the population are not those of a table, so a rank attack names less than
/// frequencies alone can.
#[test]
fn the_guide_quotes_the_bound_of_frequencies() {
    let samples = Sample::all(&Population::of_surnames());
    let mut mean = 0.0;
    for sample in &samples {
        let (named, bound) = (Figures::of(sample, 128, 1).named, at_best(sample));
        assert!(named < bound, "{named} named, {bound} at best");
        mean += bound / samples.len() as f64;
    }
    is_in_guide(&format!("`named at best` is {:.0} %", 100.0 * mean));
    is_in_guide(&attack::leakage("blind_name", &samples[0]));
}

fn is_in_guide(expected: &str) {
    let chapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guide/search.md");
    let chapter = fs::read_to_string(chapter).unwrap();
    assert!(chapter.contains(expected), "not in the chapter:\n{expected}");
}

/// Two values of different frequency are two tags of different frequency.
#[test]
fn a_boolean_is_named_completely() {
    let mut random = Random(1);
    let values: Vec<_> = (0..RECORDS).map(|_| usize::from(random.below(10) < 3)).collect();
    let figures = Figures::of(&Sample::new(values, 1), 128, 1);
    assert_eq!((figures.named, figures.agreeing), (1.0, 1.0));
}

/// Without frequencies to compare, one guess in 100,000 is right by chance.
#[test]
fn unique_values_are_not_named() {
    let values: Vec<_> = (0..RECORDS).collect();
    let figures = Figures::of(&Sample::new(values, 1), 128, 1);
    assert!(figures.named < 1e-4, "{} named", figures.named);
}

/// Somebody knows the value of every tag of one table. In another table, and under another search
/// key, no tag is equal, and parts of tags agree as often as random ones.
#[test]
fn known_tags_of_one_table_say_nothing_of_another() {
    let users = tagger(1, "users", "name");
    for other in
        [tagger(1, "patients", "name"), tagger(1, "users", "name+2"), tagger(2, "users", "name")]
    {
        let (mut equal, mut equal_bytes, mut equal_bits) = (0, 0, 0);
        for value in 0..RECORDS {
            let difference = tag(&users, value) ^ tag(&other, value);
            equal += usize::from(difference == 0);
            equal_bytes += usize::from(difference >> 120 == 0);
            equal_bits += difference.count_zeros() as usize;
        }
        assert_eq!(equal, 0);
        // The standard deviations are 0.02 % and 0.014 %.
        assert!((share(equal_bytes, RECORDS) - 1.0 / 256.0).abs() < 0.001);
        assert!((share(equal_bits, RECORDS * 128) - 0.5).abs() < 0.001);
    }
}

/// Chi-square of each byte, and of the difference between each tag and the one before it.
#[test]
fn tags_of_sequential_values_are_uniform() {
    const VALUES: usize = 1_000_000;
    let tagger = tagger(1, "users", "name");
    let mut counts = vec![[[0_u32; 256]; 16]; 2];
    let mut previous = [0; 16];
    for value in 0..VALUES {
        let text = format!("user-{value:07}");
        let tag = tagger.tag(&[SearchValue::Text(&text)]).unwrap();
        let bytes: &[u8; 16] = tag.as_bytes().last_chunk().unwrap();
        for (at, (byte, before)) in bytes.iter().zip(previous).enumerate() {
            counts[0][at][usize::from(*byte)] += 1;
            counts[1][at][usize::from(byte ^ before)] += 1;
        }
        previous = *bytes;
    }
    let expected = VALUES as f64 / 256.0;
    for counts in counts.iter().flatten() {
        let deviations = counts.iter().map(|count| (f64::from(*count) - expected).powi(2));
        let chi_square = deviations.sum::<f64>() / expected;
        // 255 degrees of freedom: the mean is 255 and the standard deviation 22.6. Beyond five of
        // them, a uniform byte is once in a million times.
        assert!((142.0..368.0).contains(&chi_square), "chi-square is {chi_square}");
    }
}
