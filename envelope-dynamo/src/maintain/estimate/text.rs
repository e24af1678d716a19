//! An estimate as text, and what it says of side effects.

use std::fmt;

use crate::maintain::estimate::Estimate;
use crate::maintain::estimate::indexes::Index;

impl Estimate {
    pub(crate) fn note_side_effects(&mut self, indexes: &[Index]) {
        let mut notes = Vec::new();
        if !indexes.is_empty() {
            let names: Vec<_> = indexes.iter().map(|index| index.name.as_str()).collect();
            let which = match indexes.iter().any(Index::moves) {
                true => "project what changes, or whose key changes (two writes each)",
                false => "project wrapped keys",
            };
            notes.push(format!(
                "each write also changes the indexes that {which}, which is in the write units: {}",
                names.join(", ")
            ));
        }
        let table = &self.table;
        if !table.replicas.is_empty() {
            notes.push(format!(
                "each replica is written too ({}), about {:.2} dollars each; the run is refused \
                 unless this is the only region that writes",
                table.replicas.join(", "),
                self.dollars.writes
            ));
        }
        if table.stream.is_some() {
            notes.push(format!("the stream gets {:.0} events", self.classes.due));
        }
        if table.recovery == Some(false) {
            notes.push("point-in-time recovery is off: the run is refused".to_owned());
        }
        notes.push(format!(
            "CloudTrail gets {:.0} events of KMS: each further copy of the trail costs {:.2} \
             dollars, and GuardDuty, if it is on, {:.2}",
            self.demand.kms_calls, self.dollars.trail_copy, self.dollars.guard_duty
        ));
        self.side_effects = notes;
    }

    pub(crate) fn note_unknown(&mut self, kms: bool, shared: bool, average: bool) {
        let mut notes = Vec::new();
        if kms {
            notes
                .push("the calls to KMS: they depend on the caches of the key provider".to_owned());
        }
        if self.sample.is_some() {
            notes.push(format!(
                "all figures are from a sample of {} items",
                self.sample.map_or(0, |sample| sample.items)
            ));
            if shared {
                notes.push(
                    "records share data keys: the calls to KMS are this many at most".to_owned(),
                );
            }
        }
        if average {
            notes.push(
                "the size of each item: whole items may not be read, so each counts as the average \
                 item, in every index"
                    .to_owned(),
            );
        }
        notes.push("writes of the application meanwhile, and records that become due".to_owned());
        notes.push("replicated writes, and prices of other regions and contracts".to_owned());
        self.unknown = notes;
    }
}

impl fmt::Display for Estimate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, part {}", self.table.arn, self.part)?;
        match &self.sample {
            None => writeln!(f, "estimated from all items")?,
            Some(sample) => writeln!(
                f,
                "estimated from {} items on {} pages, {} of {} segments, times {:.1}",
                sample.items, sample.pages, sample.segments, sample.of_segments, sample.factor
            )?,
        }
        let classes = &self.classes;
        write!(
            f,
            "{:.0} items, {:.0} bytes: due {:.0}, already {:.0}",
            self.items, self.bytes, classes.due, classes.already
        )?;
        match classes.other_entity {
            Some(items) => write!(f, ", other entity {items:.0}")?,
            None => write!(
                f,
                ", other key {:.0}, no envelope {:.0}",
                classes.other_key, classes.not_sealed
            )?,
        }
        writeln!(f, ", failing {:.0}", classes.failed)?;
        let demand = &self.demand;
        writeln!(
            f,
            "KMS calls {:.0}, write units {:.0}, read units {:.1}",
            demand.kms_calls, demand.write_units, demand.read_units
        )?;
        for (i, time) in self.times.iter().enumerate() {
            let binds = if i == 0 { " (this limit binds)" } else { "" };
            writeln!(f, "{} at {:.0}/s: {}{binds}", time.limit, time.rate, duration(time.seconds))?;
        }
        let dollars = &self.dollars;
        write!(
            f,
            "dollars {:.2}: KMS {:.2}, writes {:.2}, reads {:.2} (list prices of {})",
            dollars.total(),
            dollars.kms,
            dollars.writes,
            dollars.reads,
            dollars.prices_of
        )?;
        for note in &self.side_effects {
            write!(f, "\nside effect: {note}")?;
        }
        for note in &self.unknown {
            write!(f, "\nnot known: {note}")?;
        }
        Ok(())
    }
}

fn duration(seconds: f64) -> String {
    match seconds {
        _ if seconds < 600.0 => format!("{seconds:.1} seconds"),
        _ => format!("{:.1} hours", seconds / 3600.0),
    }
}
