import Foundation

/// Another process that prints lines.
struct Program {
  private let executable: URL
  private let arguments: [String]

  /// This program again.
  static func ourselves(_ arguments: [String]) -> Program {
    let path = Bundle.main.executableURL ?? URL(fileURLWithPath: CommandLine.arguments[0])
    return Program(executable: path, arguments: arguments)
  }

  /// A command of the shell, with more arguments behind its own.
  static func shell(_ command: String, _ arguments: [String]) -> Program {
    Program(
      executable: URL(fileURLWithPath: "/bin/sh"),
      arguments: ["-c", command + " \"$@\"", "peer"] + arguments)
  }

  /// Runs it to its end; what it says on standard error goes where ours goes.
  ///
  /// - Throws: ``ProgramError`` if it fails, and what starting a process throws.
  func lines() throws -> [String] {
    let process = Process()
    let pipe = Pipe()
    process.executableURL = executable
    process.arguments = arguments
    process.standardOutput = pipe
    try process.run()
    let data = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0, process.terminationReason == .exit else {
      throw ProgramError(
        command: ([executable.path] + arguments).joined(separator: " "),
        status: process.terminationStatus)
    }
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map(String.init)
  }
}

/// A process that did not end well.
struct ProgramError: Error, CustomStringConvertible {
  let command: String
  let status: Int32

  var description: String { "'\(command)' ended with status \(status), expected 0" }
}
