//! Figures as people read them.

use std::time::Duration;

/// `298,114,022`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count of units, such as `1,234.5`: without decimals if it is whole.
pub(crate) fn units(number: f64) -> String {
    let tenths = (number.max(0.0) * 10.0).round();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // saturates
    let (whole, tenth) = ((tenths / 10.0) as u64, (tenths % 10.0) as u64);
    if tenth == 0 { count(whole) } else { format!("{}.{tenth}", count(whole)) }
}

/// `10 h 48 min`: the two largest units.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Parses `90`, `90s`, `50m`, `2h` or `1d`.
pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.find(|char: char| !char.is_ascii_digit()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let seconds = match unit {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(NO_DURATION.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| NO_DURATION.to_owned())?;
    number.checked_mul(seconds).map(Duration::from_secs).ok_or_else(|| NO_DURATION.to_owned())
}

const NO_DURATION: &str = "this is not a time, such as 90s, 50m or 2h";

/// Parses a rate per second, which is above zero.
pub(crate) fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate > 0.0 && rate.is_finite() => Ok(rate),
        _ => Err("this is not a number above 0".to_owned()),
    }
}

/// The part of `all` that `some` is, in percent.
pub(crate) fn percent(some: u64, all: u64) -> u64 {
    u64::try_from(u128::from(some) * 100 / u128::from(all.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::time::Duration;

    use crate::figures::{count, duration, parse_duration, parse_rate, units};

    #[test]
    fn figures_are_readable() {
        assert_eq!([0, 999, 1_000, 298_114_022].map(count), ["0", "999", "1,000", "298,114,022"]);
        assert_eq!([0.0, 2.0, 1234.46, 0.128].map(units), ["0", "2", "1,234.5", "0.1"]);
        let shown = [7, 95, 38_880, 100_000].map(|seconds| duration(Duration::from_secs(seconds)));
        assert_eq!(shown, ["7 s", "1 min 35 s", "10 h 48 min", "1 d 3 h"]);
    }

    #[test]
    fn times_and_rates_are_parsed() {
        let seconds = |text| parse_duration(text).map(|time| time.as_secs());
        assert_eq!(
            ["90", "90s", "50m", "2h", "1d"].map(|text| seconds(text).unwrap()),
            [90, 90, 3_000, 7_200, 86_400]
        );
        for text in ["", "h", "1x", "-1s", "1.5h", "99999999999999999999s", "9999999999999999d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
        assert_eq!(parse_rate("0.5").unwrap().to_string(), "0.5");
        for text in ["0", "-1", "nan", "inf", ""] {
            assert!(parse_rate(text).is_err(), "{text}");
        }
    }
}
