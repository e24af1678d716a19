//! Tests of how often sealing and opening allocate, in a package of their own: counting takes a
//! global allocator, and an allocator cannot be written without `unsafe`.
