//! `Self`, `#[repr(packed)]` and fields that are configured out.

use super::*;

#[derive(Envelope, Debug, PartialEq)]
#[envelope(table = "t")]
struct Node<T> {
    #[partition_key]
    id: u8,
    #[encrypted]
    children: Vec<Self_<T>>,
    #[encrypted]
    #[serde(skip_serializing_if = "Self::is_boring")]
    length: [u8; Constants::LENGTH],
    #[serde(skip)]
    parent: Option<Box<Self>>,
}

type Self_<T> = Vec<T>;

struct Constants;

impl Constants {
    const LENGTH: usize = 2;
}

impl<T> Node<T> {
    fn is_boring(length: &[u8; 2]) -> bool {
        *length == [0, 0]
    }
}

#[test]
fn self_means_the_struct_itself() {
    let node = Node { id: 1, children: vec![vec![2_u8]], length: [0, 0], parent: None };
    assert_eq!(to_json(&node), json!({ "id": 1, "children": [[2]] }));
}

#[derive(Envelope, Clone, Copy)]
#[envelope(table = "t")]
#[repr(C, packed)]
struct Packed {
    #[partition_key]
    id: u8,
    #[encrypted]
    value: u64,
}

#[test]
fn packed_structs_are_written_by_value() {
    let packed = from_json::<Packed>(json!({ "id": 1, "value": 2 })).unwrap();
    assert_eq!(to_json(&packed), json!({ "id": 1, "value": 2 }));
}

#[derive(Envelope)]
#[envelope(table = "t")]
struct Configured {
    #[partition_key]
    id: u8,
    #[cfg_attr(all(), encrypted)]
    value: u8,
    #[cfg(any())]
    #[no_such_attribute]
    absent: NoSuchType,
    #[cfg(not(any()))]
    #[plaintext]
    present: u8,
}

#[test]
fn fields_that_are_configured_out_do_not_exist() {
    assert_eq!(
        to_json(&Configured { id: 1, value: 2, present: 3 }),
        json!({ "id": 1, "value": 2, "present": 3 })
    );
    assert_eq!(Configured::SCHEMA.fields().len(), 3);
}
