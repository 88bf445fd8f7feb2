//! WebDriver flows over the whole stack
