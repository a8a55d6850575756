//! What the attribute refuses: each program in `refused/` with what the compiler says of it.

#[test]
fn what_cannot_be_exposed_is_refused_where_it_is_written() {
    trybuild::TestCases::new().compile_fail("refused/*.rs");
}
