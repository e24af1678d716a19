//! The examples of envelope-dynamo.
