//! Compiles the protocol's messages and tonic's client of it, without protoc.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let proto = "../proto";
    println!("cargo::rerun-if-changed={proto}");
    let descriptors = protox::compile(["gateway.proto"], [proto])?;
    tonic_prost_build::configure()
        .build_server(false)
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}
