//! Linking: the folder that CONVOY_LIB_DIR names, else as pkg-config says.
use std::env;

fn main() {
    println!("cargo:rerun-if-env-changed=CONVOY_LIB_DIR");
    if let Ok(folder) = env::var("CONVOY_LIB_DIR") {
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-lib=dylib=convoy");
    } else if let Err(error) = pkg_config::Config::new().probe("convoy") {
        eprintln!("libconvoy is not found; CONVOY_LIB_DIR may name its folder: {error}");
        std::process::exit(1);
    }
}
