//! Tests of how often sealing and opening allocate. They are a package of their own, because
//! counting needs a global allocator, and an allocator needs `unsafe`.
