fn main() -> std::process::ExitCode {
    microtome::cli::main_step("split")
}
