import MeteoRASafetensors

/// What the arguments of `tiny-data` ask for.
package enum TinyDataOptions: Equatable {
  /// To explain itself.
  case help
  /// To make the folder.
  case write(output: String, seed: UInt64)

  /// That of the trained bundle.
  package static let bundleSeed: UInt64 = 47
  private static let names = ["--output", "--seed", "--help"]

  /// - Parameter arguments: Without the program's name.
  /// - Throws: ``TinyDataUsageError``.
  package init(_ arguments: [String]) throws(TinyDataUsageError) {
    var output: String?
    var seed: UInt64?
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let parts = argument.utf8.split(
        separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      let name = parts.first.map { String(Substring($0)) } ?? argument
      let attached = parts.count > 1 ? String(Substring(parts[1])) : nil
      switch name {
      case "--help":
        guard attached == nil else { throw .takesNoValue(name) }
        self = .help
        return
      case "--output":
        guard output == nil else { throw .givenTwice(name) }
        output = try Self.value(of: name, attached, &rest)
        if output?.isEmpty ?? true { throw .badValue(name, found: "", expected: "a path") }
      case "--seed":
        guard seed == nil else { throw .givenTwice(name) }
        seed = try Self.seed(Self.value(of: name, attached, &rest), of: name)
      default:
        throw .unknown(name, nearest: nearestName(to: name, among: Self.names))
      }
    }
    guard let output else { throw .missing("--output") }
    self = .write(output: output, seed: seed ?? Self.bundleSeed)
  }

  private static func value(
    of name: String, _ attached: String?, _ rest: inout ArraySlice<String>
  ) throws(TinyDataUsageError) -> String {
    if let attached { return attached }
    guard let next = rest.popFirst(), !next.utf8.starts(with: "--".utf8) else {
      throw .needsValue(name)
    }
    return next
  }

  private static func seed(_ text: String, of name: String) throws(TinyDataUsageError) -> UInt64 {
    // UInt64 itself would take a plus sign.
    let isDecimal = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard isDecimal, let seed = UInt64(text) else {
      throw .badValue(name, found: text, expected: "an integer from 0 to \(UInt64.max)")
    }
    return seed
  }

  /// What `--help` prints.
  package static let usage = """
    Usage: tiny-data --output DIR [--seed N]

    Writes everything that the trained bundle is made from into a new folder: the
    configuration and tokenizer of the base, and the samples of training and
    tests. The same seed makes the same bytes on every machine.

    Options
      --output DIR   The folder to be made; nothing may be there.
      --seed N       Another seed than that of the bundle, \(bundleSeed).
      --help         This page.

    Exit codes
      0              done
      1              the folder cannot be written
      64             the command line is wrong
      129, 130, 143  interrupted (SIGHUP, Ctrl-C, SIGTERM); nothing is left

    """
}

/// The command line of `tiny-data` is wrong.
package enum TinyDataUsageError: Error, Equatable, CustomStringConvertible {
  case unknown(String, nearest: String?)
  case givenTwice(String)
  case takesNoValue(String)
  case needsValue(String)
  case missing(String)
  case badValue(String, found: String, expected: String)

  package var description: String {
    switch self {
    case .unknown(let name, let nearest):
      "unknown argument '\(printable(name))'; "
        + (nearest.map { "did you mean '\($0)'?" } ?? "see 'tiny-data --help'")
    case .givenTwice(let name): "option \(name) is given twice"
    case .takesNoValue(let name): "option \(name) takes no value"
    case .needsValue(let name): "option \(name) needs a value; see 'tiny-data --help'"
    case .missing(let name): "option \(name) is missing; see 'tiny-data --help'"
    case .badValue(let name, let found, let expected):
      "option \(name) is '\(printable(found))', expected \(expected)"
    }
  }
}
