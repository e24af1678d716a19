//! Structs inside a function, and structs with private fields.

#[test]
fn inside_a_function() {
    const LENGTH: usize = 2;
    fn is_zero(value: &u8) -> bool {
        *value == 0
    }

    #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
    #[envelope(table = "t")]
    struct Local {
        #[partition_key]
        id: u8,
        #[encrypted]
        #[serde(default, skip_serializing_if = "is_zero")]
        value: u8,
        #[plaintext]
        array: [Inner; LENGTH],
    }

    #[derive(::serde::Serialize, ::serde::Deserialize, ::std::cmp::PartialEq)]
    struct Inner(u8);

    assert_round_trip!(Local { id: 1, value: 0, array: [Inner(1), Inner(2)] }, Local);
}

mod private {
    //! Fields that only this module can name.

    #[derive(::envelope_dynamo::Envelope, ::std::cmp::PartialEq)]
    #[envelope(table = "t")]
    pub(super) struct Private {
        #[partition_key]
        id: u8,
        #[encrypted]
        value: u8,
    }

    impl Private {
        /// Some record.
        pub(super) const SOME: Self = Self { id: 1, value: 2 };
    }
}

#[test]
fn with_fields_of_another_module() {
    assert_round_trip!(private::Private::SOME, private::Private);
}
