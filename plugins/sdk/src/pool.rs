//! The plugin's own threads.
//!
//! Rayon's global pool can never be stopped, so a retired plugin would leave its threads behind. Everything an exported
//! function does runs inside a pool of ours: candle's and `gemm`'s parallel loops use the *current* pool. Workers have
//! 16 MiB stacks because candle's `backward` and `Drop` recurse over the graph.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

const STACK: usize = 16 << 20;

struct Pool {
    threads: usize,
    pool: Arc<rayon::ThreadPool>,
    workers: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

fn start(threads: usize) -> Result<Pool, rayon::ThreadPoolBuildError> {
    let workers = Arc::new(Mutex::new(Vec::new()));
    let started = Arc::clone(&workers);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .spawn_handler(move |worker| {
            let handle = Builder::new()
                .name("dreamwire-worker".to_owned())
                .stack_size(STACK)
                .spawn(move || worker.run())?;
            started.lock().unwrap_or_else(PoisonError::into_inner).push(handle);
            Ok(())
        })
        .build()?;
    Ok(Pool { threads, pool: Arc::new(pool), workers })
}

fn stop(pool: Pool) {
    let Pool { pool, workers, .. } = pool;
    // Dropping the last handle only signals; joining ensures that no code of ours runs any more.
    drop(pool);
    for worker in workers.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
        let _ = worker.join();
    }
}

/// Runs `body` on the pool with `threads` threads (0 = as many as the machine has).
pub(crate) fn install<T: Send>(threads: u32, body: impl FnOnce() -> T + Send) -> T {
    let wanted = match threads {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        n => n as usize,
    };
    // A nested call on a worker of this pool stays there: its budget is the outer call's.
    if rayon::current_thread_index().is_some() && rayon::current_num_threads() == wanted {
        return body();
    }
    let pool = {
        let mut slot = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = slot.take_if(|pool| pool.threads != wanted && Arc::strong_count(&pool.pool) == 1) {
            stop(old);
        }
        match slot.as_ref() {
            Some(pool) => Some(Arc::clone(&pool.pool)),
            None => match start(wanted) {
                Ok(pool) => Some(Arc::clone(&slot.insert(pool).pool)),
                Err(_) => None,
            },
        }
    };
    match pool {
        Some(pool) => pool.install(body),
        // No threads available: the caller's own does everything.
        None => body(),
    }
}

/// Joins every thread that was started.
pub(crate) fn shut_down() {
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(pool) = pool {
        stop(pool);
    }
}
