//! What the wire, errors and tokens show of a value that is searched for.

use envelope_examples::Fault;
use envelope_tests::{Secret, all_it_says, assert_never_sent};

use super::*;

const EMAIL: &str = "tr0ub4dor.and.c0rrect-horse@example.com";

/// As the search tag is computed from it.
const NUMBER: i64 = 7_366_123_940_127_745_911;

#[tokio::test]
async fn no_searched_value_is_sent() {
    let bench = Bench::new().await;
    let zoe = User { email: EMAIL.to_owned(), number: Some(NUMBER), ..user("u_1", "zoe") };
    bench.put(1, std::slice::from_ref(&zoe)).await;
    bench.put(2, &[User { user_id: "u_2".to_owned(), ..zoe }]).await;
    let users = bench.table::<User>(rotating(1, 2));
    let by_email = || users.index(|i| i.by_email).query(format!(" {}", EMAIL.to_uppercase()));
    let by_number = users.index(|i| i.by_number).query(NUMBER);
    assert_eq!(by_email().send().await.unwrap().len(), 2);
    assert_eq!(by_email().fetch_base_table().limit(1).send().await.unwrap().len(), 1);
    assert_eq!(by_email().count().await.unwrap(), 2);
    assert_eq!(by_number.send().await.unwrap().len(), 2);
    let mut records = by_email().page_size(1).stream().unwrap();
    records.next().await.unwrap().unwrap();
    let token = records.resume_token();
    by_email().resume(token).send().await.unwrap();
    for secret in [EMAIL, &EMAIL.to_uppercase(), &NUMBER.to_string()] {
        assert_never_sent(&bench.faults, secret);
    }
}

#[tokio::test]
async fn no_searched_value_is_in_an_error_or_a_token() {
    let bench = Bench::new().await;
    let zoe = User { email: EMAIL.to_owned(), ..user("u_1", "zoe") };
    bench.put(1, &[zoe.clone(), User { user_id: "u_2".to_owned(), ..zoe }]).await;
    let users = bench.users();
    let by_email = || users.index(|i| i.by_email).query(EMAIL);
    let mut told = Vec::new();
    let mut records = by_email().page_size(1).stream().unwrap();
    told.push(format!("{records:?}"));
    records.next().await.unwrap().unwrap();
    let token = records.resume_token().unwrap();
    told.push(token.to_string());
    told.push(format!("{token:?}"));
    told.push(all_it_says(&by_email().one().await.unwrap_err()));
    let without = bench.without_keys::<User>();
    told.push(all_it_says(&without.index(|i| i.by_email).query(EMAIL).one().await.unwrap_err()));
    let other = users.index(|i| i.by_email).query(format!("x{EMAIL}")).resume(token);
    told.push(all_it_says(&other.send().await.unwrap_err()));
    for code in ["AccessDeniedException", "ValidationException"] {
        bench.faults.fail_next("Query", Fault::error(code));
        told.push(all_it_says(&by_email().send().await.unwrap_err()));
    }
    for told in told {
        assert_eq!(Secret::new(EMAIL).found_in(&told), None, "{told}");
    }
}
