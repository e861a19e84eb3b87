import Foundation

/// Another process that prints lines.
struct Program {
  private let executable: URL
  private let arguments: [String]
  /// How an error calls it.
  private let name: String

  /// This program again.
  static func ourselves(_ arguments: [String]) -> Program {
    let path = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return Program(
      executable: path, arguments: arguments,
      name: (["benchmarks"] + arguments).joined(separator: " "))
  }

  /// A command of the shell, with more arguments behind its own.
  static func shell(_ command: String, _ arguments: [String]) -> Program {
    Program(
      executable: URL(fileURLWithPath: "/bin/sh"),
      arguments: ["-c", command + " \"$@\"", "peer"] + arguments, name: command)
  }

  /// Runs it to its end, or to ours; what it says on standard error goes where ours goes.
  ///
  /// - Throws: ``ProgramError`` if it fails, and what starting a process throws.
  func lines() throws -> [String] {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = executable
    process.arguments = arguments
    process.standardOutput = pipe
    try process.run()
    RunningProcess.begin(process.processIdentifier)
    defer { RunningProcess.end() }
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0, process.terminationReason == .exit else {
      throw ProgramError(
        name: name, status: process.terminationStatus,
        isSignal: process.terminationReason == .uncaughtSignal)
    }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

/// The process that this one waits for: it ends with us.
///
/// It may be in a group of processes of its own, which a terminal's interrupt does not reach.
private enum RunningProcess {
  // Unchecked: written by the one thread that runs programs, read by a signal handler, which may
  // not wait for a lock.
  nonisolated(unsafe) private static var identifier: pid_t = 0

  static func begin(_ process: pid_t) {
    identifier = process
    for number in [SIGTERM, SIGINT] {
      signal(number) { number in
        // Only where it leads a group is there one of that number.
        let process = RunningProcess.identifier
        if kill(-process, number) != 0 { kill(process, number) }
        _exit(128 + number)
      }
    }
  }

  static func end() {
    for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) }
  }
}

/// A process that did not end well.
struct ProgramError: Error, CustomStringConvertible {
  let name: String
  let status: Int32
  let isSignal: Bool

  var description: String {
    "'\(name)' ended with \(isSignal ? "signal" : "status") \(status), expected status 0"
  }
}
