//! Reads a whole table in one process, for figures that cannot be put together from parts.

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;

use crate::dynamodb::Item;
use crate::maintain::engine::counts::Counts;
use crate::maintain::engine::error::{RunError, RunErrorKind};
use crate::maintain::engine::limits::Pace;
use crate::maintain::engine::pages::{Page, Pages};
use crate::maintain::engine::part::SEGMENTS_AT_ONCE;

/// Reads all segments, four at a time, and gives each page to `on_page`, whose error ends it.
pub(crate) async fn each_page(
    pages: &Pages<'_>,
    is_consistent: bool,
    pace: &Pace,
    on_page: impl Fn(&Page) -> Result<(), RunErrorKind>,
) -> Result<(), RunErrorKind> {
    let (on_page, mut segments) = (&on_page, 0..pages.total);
    let segment = |segment| async move {
        let mut after: Option<Item> = None;
        loop {
            let page = pages.read(segment, after.as_ref(), is_consistent, &pace.read).await?;
            on_page(&page)?;
            match page.next {
                None => return Ok::<_, RunErrorKind>(()),
                next => after = next,
            }
        }
    };
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < SEGMENTS_AT_ONCE as usize
            && let Some(next) = segments.next()
        {
            running.push(segment(next));
        }
        match running.next().await {
            Some(done) => done?,
            None => return Ok(()),
        }
    }
}

/// Works to the end, or stops when `stop` is ready: half a count proves nothing.
pub(crate) async fn unless_stopped<R>(
    work: impl Future<Output = Result<R, RunErrorKind>>,
    stop: impl Future<Output = ()>,
) -> Result<R, RunError> {
    let (work, stop) = (std::pin::pin!(work), std::pin::pin!(stop));
    let done = match select(work, stop).await {
        Either::Left((done, _)) => done,
        Either::Right(((), _)) => Err(RunErrorKind::Stopped),
    };
    done.map_err(|kind| RunError::new(kind, Counts::default()))
}
