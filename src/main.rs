//! Hands the command line to [`accord::cli`].

fn main() -> std::process::ExitCode {
    accord::cli::main()
}
