//! The Lambda that signs upload URLs
