//! The tests of envelope-dynamo.
