//! The pure upload state machine: events in, commands out
