//! Mounts the page.

fn main() {
    // The words of a panic would cost the page's visitors some kilobytes.
    #[cfg(debug_assertions)]
    console_error_panic_hook::set_once();
    slipway::mount();
}
