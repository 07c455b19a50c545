//! The handshake, driven from scripted bytes: every talk is held in lockstep,
//! cut at every byte, cut short, and with every byte spoiled.

mod contexts;
mod framing;
mod greeting;
mod listing;
mod opening;
mod starttls;
mod switches;
mod talk;
