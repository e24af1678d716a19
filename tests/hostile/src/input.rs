//! Interprets bytes as the attributes of an item.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::records::NAMES;

/// A DynamoDB item.
pub type Item = HashMap<String, AttributeValue>;

/// Deeper than the library reads (64 levels), but safe to drop.
const MAX_LEVELS: u8 = 80;

/// Numbers at the limits of some types.
const NUMBERS: [&str; 16] = [
    "0",
    "-0",
    "1.0",
    "1E-130",
    "9.9999999999999999999999999999999999999E+125",
    "1E126",
    "255",
    "-129",
    "18446744073709551616",
    "-170141183460469231731687303715884105728",
    "340282366920938463463374607431768211455",
    "0.1",
    "NaN",
    "inf",
    "0x10",
    "00000000000000000000000000000000000000000000000001",
];

/// A cursor over bytes. At the end, it returns zeros and empty slices.
pub(crate) struct Input<'d>(&'d [u8]);

impl<'d> Input<'d> {
    pub(crate) fn new(bytes: &'d [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn rest(self) -> &'d [u8] {
        self.0
    }

    /// As many bytes as the next byte says, or the rest.
    pub(crate) fn bytes(&mut self) -> &'d [u8] {
        let length = usize::from(self.byte()).min(self.0.len());
        self.0.split_off(..length).unwrap_or_default()
    }

    pub(crate) fn text(&mut self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// A name of a field of some record, or any name.
    pub(crate) fn name(&mut self) -> String {
        match NAMES.get(usize::from(self.byte())) {
            Some(name) => (*name).to_owned(),
            None => self.text(),
        }
    }

    fn number(&mut self) -> String {
        match self.byte() {
            byte @ 0..16 => NUMBERS[usize::from(byte)].to_owned(),
            16..64 => self.text(),
            64..128 => format!("{}E{}", i16::from(self.byte()) - 128, i16::from(self.byte()) - 128),
            byte => (i64::from(byte) - 192).to_string(),
        }
    }

    pub(crate) fn item(&mut self) -> Item {
        let mut item = Item::new();
        for _ in 0..self.byte() {
            if self.is_empty() {
                break;
            }
            let name = self.name();
            item.insert(name, self.value(MAX_LEVELS));
        }
        item
    }

    fn value(&mut self, levels: u8) -> AttributeValue {
        let kind = self.byte() % 12;
        let Some(below) = levels.checked_sub(1) else { return AttributeValue::Null(true) };
        match kind {
            0 => AttributeValue::Null(self.byte() != 1),
            1 => AttributeValue::Bool(self.byte().is_multiple_of(2)),
            2 | 3 => AttributeValue::N(self.number()),
            4 | 5 => AttributeValue::S(self.text()),
            6 => AttributeValue::B(Blob::new(self.bytes())),
            7 => AttributeValue::L(self.some(|input| input.value(below))),
            8 => AttributeValue::M(
                self.some(|input| (input.name(), input.value(below))).into_iter().collect(),
            ),
            9 => AttributeValue::Ss(self.some(Self::text)),
            10 => AttributeValue::Ns(self.some(Self::number)),
            _ => AttributeValue::Bs(self.some(|input| Blob::new(input.bytes()))),
        }
    }

    /// As many as the next byte says, or fewer at the end of the bytes.
    fn some<T>(&mut self, mut one: impl FnMut(&mut Self) -> T) -> Vec<T> {
        let count = self.byte();
        (0..count).map_while(|_| (!self.is_empty()).then(|| one(self))).collect()
    }
}

/// The approximate size of an item as DynamoDB counts it. Limits on memory are multiples of it.
pub(crate) fn item_bytes(item: &Item) -> usize {
    item.iter().map(|(name, value)| name.len() + value_bytes(value)).sum()
}

fn value_bytes(value: &AttributeValue) -> usize {
    1 + match value {
        AttributeValue::S(text) | AttributeValue::N(text) => text.len(),
        AttributeValue::B(blob) => blob.as_ref().len(),
        AttributeValue::L(values) => values.iter().map(value_bytes).sum(),
        AttributeValue::M(entries) => item_bytes(entries),
        AttributeValue::Ss(set) | AttributeValue::Ns(set) => {
            set.iter().map(|text| 1 + text.len()).sum()
        }
        AttributeValue::Bs(set) => set.iter().map(|blob| 1 + blob.as_ref().len()).sum(),
        _ => 0,
    }
}
