//! Branch keys, their names and versions.

use std::collections::HashSet;

use envelope_core::{BranchKey, BranchName, BranchVersion, DataKey, KeyErrorKind};

#[test]
fn the_name_of_a_branch_is_1_to_255_bytes_long() {
    assert_eq!(BranchName::MAX_BYTES, 255, "as FORMAT and the documentation say");
    for name in ["x".to_owned(), "x".repeat(255), "\u{e9}".repeat(127)] {
        assert_eq!(BranchName::new(&*name).unwrap().as_str(), name);
    }
    for (name, bytes) in [(String::new(), 0), ("x".repeat(256), 256), ("\u{e9}".repeat(128), 256)] {
        let error = BranchName::new(name).unwrap_err();
        assert_eq!(error.kind(), KeyErrorKind::Configuration);
        assert_eq!(
            error.to_string(),
            format!(
                "invalid configuration: the name of a branch must be 1 to 255 bytes long, not \
                 {bytes}"
            )
        );
    }
}

#[test]
fn debug_does_not_show_the_name_of_a_branch() {
    let names = ["alice", "bob", "alice"].map(|name| BranchName::new(name).unwrap());
    assert!(names[0] != names[1] && names[0] == names[2]);
    assert_eq!(HashSet::from(names.clone()).len(), 2);
    assert_eq!(format!("{:?}", names[0]), "BranchName(..)");
}

/// RFC 9562, section 5.4: four bits are the version, two the variant, and the others are random.
#[test]
fn a_new_version_is_a_uuid_of_version_4() {
    let versions: Vec<_> = (0..256).map(|_| BranchVersion::generate().unwrap()).collect();
    let (mut ever_set, mut ever_clear) = ([0u8; 16], [0u8; 16]);
    for version in &versions {
        for (at, byte) in version.as_bytes().iter().enumerate() {
            ever_set[at] |= byte;
            ever_clear[at] |= !byte;
        }
    }
    let of_all = |special: [(usize, u8); 2]| {
        let mut bits = [0xff; 16];
        special.into_iter().for_each(|(at, bits_there)| bits[at] = bits_there);
        bits
    };
    assert_eq!(ever_set, of_all([(6, 0b0100_1111), (8, 0b1011_1111)]));
    assert_eq!(ever_clear, of_all([(6, 0b1011_1111), (8, 0b0111_1111)]));
    assert_eq!(versions.iter().collect::<HashSet<_>>().len(), versions.len());
}

#[test]
fn a_version_is_written_as_a_uuid_and_read_back() {
    let bytes = [
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee,
        0x0f,
    ];
    let version = BranchVersion::from_bytes(bytes);
    let text = "00112233-4455-6677-8899-aabbccddee0f";
    assert_eq!((version.to_string().as_str(), version.as_bytes()), (text, &bytes));
    assert_eq!(format!("{version:?}"), format!("BranchVersion({text})"));
    assert_eq!(BranchVersion::parse(text), Some(version));
    for bytes in [[0; 16], [0xff; 16], [0x9a; 16]] {
        let version = BranchVersion::from_bytes(bytes);
        assert_eq!(BranchVersion::parse(&version.to_string()), Some(version));
    }
}

#[test]
fn a_version_has_one_spelling() {
    let text = "00112233-4455-6677-8899-aabbccddee0f";
    for (at, own) in text.char_indices() {
        let with = |other: &str| format!("{}{other}{}", &text[..at], &text[at + 1..]);
        let strange = ["", "g", " ", "_", "A", "\u{ff11}", "--"].map(with);
        let wrong_kind = if own == '-' {
            [with("0"), with("f")]
        } else {
            [with("-"), with(&format!("{own}{own}"))]
        };
        for changed in strange.into_iter().chain(wrong_kind) {
            assert_eq!(BranchVersion::parse(&changed), None, "{changed}");
        }
    }
    for other in [
        String::new(),
        "active".to_owned(),
        text.to_uppercase(),
        text.replace('-', ""),
        text[..35].to_owned(),
        format!("{text}0"),
        format!("{text}\n"),
        format!(" {text}"),
        format!("{{{text}}}"),
        format!("urn:uuid:{text}"),
        format!("{text}{text}"),
    ] {
        assert_eq!(BranchVersion::parse(&other), None, "{other}");
    }
}

#[test]
fn debug_shows_the_version_of_a_branch_key_and_no_key() {
    let (branch, version) =
        (BranchName::new("alice").unwrap(), BranchVersion::from_bytes([0xab; 16]));
    let key = BranchKey::new(branch.clone(), version, DataKey::generate().unwrap());
    assert_eq!((key.branch(), key.version()), (&branch, version));
    assert_eq!(format!("{key:?}"), "BranchKey(abababab-abab-abab-abab-abababababab, ..)");
}
