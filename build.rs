//! Compiles the gateway protocol in pure Rust, and names the shared library, as cargo links it; what is shipped, scripts/link does.

use prost::Message;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=proto/gateway.proto");
    let descriptors = protox::compile(["gateway.proto"], ["proto"])?;
    let out = std::path::PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("gateway.bin"), descriptors.encode_to_vec())?;

    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        // Programs record this name, not the file name: 0 is the ABI version.
        println!("cargo::rustc-link-arg-cdylib=-Wl,-soname,libzeebe.so.0");
        // The library starts threads; unmapping their code with dlclose would crash them.
        println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
    }
    Ok(())
}
