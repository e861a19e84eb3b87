import MeteoRASafetensors

/// The arguments of a command, taken apart: `--name value`, `--name=value`, and at most one
/// argument that is no option. `--` ends the options.
struct ParsedArguments {
  /// The argument that is no option.
  private(set) var positional: String?
  private let command: Command
  private var values: [String: [String]] = [:]

  /// - Throws: ``UsageError``, or ``HelpRequest`` if `--help` is found before anything wrong.
  init(_ arguments: some Collection<String>, of command: Command) throws {
    self.command = command
    var rest = Array(arguments)[...]
    var optionsEnded = false
    while let argument = rest.popFirst() {
      if optionsEnded || !argument.utf8.starts(with: "-".utf8) || argument == "-" {
        try take(positional: argument)
      } else if argument == "--" {
        optionsEnded = true
      } else {
        try take(option: argument, &rest)
      }
    }
  }

  private mutating func take(positional argument: String) throws {
    guard let name = command.positional else {
      throw UsageError(
        "unexpected argument '\(printableArgument(argument))'; 'meteora \(command.name)' takes "
          + "options only")
    }
    guard positional == nil else {
      throw UsageError(
        "unexpected argument '\(printableArgument(argument))'; 'meteora \(command.name)' takes one "
          + name)
    }
    positional = argument
  }

  private mutating func take(option argument: String, _ rest: inout ArraySlice<String>) throws {
    let parts = argument.utf8.split(
      separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
    let spelling = String(decoding: parts[0], as: UTF8.self)
    let attached = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : nil
    if spelling == "--help" || spelling == "-h" { throw HelpRequest() }
    guard let option = command.options.first(where: { $0.spelling == spelling }) else {
      throw UsageError.unknown(
        "option", spelling, among: command.options.map(\.spelling) + ["--help"],
        help: "meteora \(command.name) --help")
    }
    if values[option.name] != nil, !option.isRepeatable {
      throw UsageError("option \(spelling) is given twice")
    }
    guard let placeholder = option.value else {
      if attached != nil { throw UsageError("option \(spelling) takes no value") }
      values[option.name] = []
      return
    }
    if let attached {
      values[option.name, default: []].append(attached)
      return
    }
    guard let next = rest.popFirst() else {
      throw UsageError("option \(spelling) needs a value: \(spelling) \(placeholder)")
    }
    if next.utf8.starts(with: "--".utf8) {
      throw UsageError(
        "option \(spelling) needs a value but is followed by '\(printableArgument(next))'; if that "
          + "is the value, write \(spelling)=\(printableArgument(next))")
    }
    values[option.name, default: []].append(next)
  }

  /// Whether the option stands there.
  func isGiven(_ option: OptionDeclaration) -> Bool { values[option.name] != nil }

  /// The value of an option.
  func text(_ option: OptionDeclaration) -> String? { values[option.name]?.first }

  /// The values of an option that may be repeated, in order.
  func texts(_ option: OptionDeclaration) -> [String] { values[option.name] ?? [] }

  /// The value of an option that has to be there.
  func requiredText(_ option: OptionDeclaration) throws -> String {
    guard let text = text(option) else {
      throw UsageError(
        "option \(option.spelling) \(option.value ?? "") is missing; see 'meteora \(command.name) "
          + "--help'")
    }
    return text
  }

  /// The value of an option that is a path.
  func path(_ option: OptionDeclaration) throws -> String? {
    guard let text = text(option) else { return nil }
    guard !text.isEmpty else {
      throw UsageError("option \(option.spelling) is empty, expected a path")
    }
    return text
  }

  /// The value of an option that is a path and has to be there.
  func requiredPath(_ option: OptionDeclaration) throws -> String {
    try path(option) ?? requiredText(option)
  }

  /// The value of an option that is an integer.
  func integer(_ option: OptionDeclaration, in allowed: ClosedRange<Int>) throws -> Int? {
    guard let text = text(option) else { return nil }
    guard let value = decimalInteger(text), allowed.contains(value) else {
      let bounds =
        allowed.upperBound == .max
        ? "of at least \(allowed.lowerBound)"
        : "from \(allowed.lowerBound) to \(allowed.upperBound)"
      throw UsageError(
        "option \(option.spelling) is '\(printableArgument(text))', expected an integer \(bounds)")
    }
    return value
  }

  /// The value of an option that is a number above 0, in binary32 too.
  func positiveFloat(_ option: OptionDeclaration) throws -> Float? {
    try float(option, expected: "a number above 0, finite in binary32") { $0 > 0 }
  }

  /// The value of an option that is a finite number in binary32.
  ///
  /// - Parameters:
  ///   - expected: What is allowed, for the message.
  ///   - isAllowed: Asked of finite numbers.
  func float(
    _ option: OptionDeclaration, expected: String, where isAllowed: (Float) -> Bool
  ) throws -> Float? {
    guard let text = text(option) else { return nil }
    let isPlain = text.utf8.allSatisfy { byte in "0123456789+-.eE".utf8.contains(byte) }
    guard isPlain, let value = Float(text), value.isFinite, isAllowed(value) else {
      throw UsageError(
        "option \(option.spelling) is '\(printableArgument(text))', expected \(expected)")
    }
    return value
  }

  /// The value of an option that is a finite number in binary64.
  ///
  /// - Parameters:
  ///   - expected: What is allowed, for the message.
  ///   - isAllowed: Asked of finite numbers.
  func number(
    _ option: OptionDeclaration, expected: String, where isAllowed: (Double) -> Bool
  ) throws -> Double? {
    guard let text = text(option) else { return nil }
    let isPlain = text.utf8.allSatisfy { byte in "0123456789+-.eE".utf8.contains(byte) }
    guard isPlain, let value = Double(text), value.isFinite, isAllowed(value) else {
      throw UsageError(
        "option \(option.spelling) is '\(printableArgument(text))', expected \(expected)")
    }
    return value
  }

  /// The value of an option that is a number of 64 bits without a sign.
  func unsigned(_ option: OptionDeclaration) throws -> UInt64? {
    guard let text = text(option) else { return nil }
    let isPlain = text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    guard isPlain, let value = UInt64(text) else {
      throw UsageError(
        "option \(option.spelling) is '\(printableArgument(text))', expected an integer from 0 to "
          + "\(UInt64.max)")
    }
    return value
  }

  /// The value of an option that is one of a few words.
  func choice<Choice: CaseIterable & RawRepresentable<String>>(
    _ option: OptionDeclaration, of type: Choice.Type
  ) throws -> Choice? {
    guard let text = text(option) else { return nil }
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw UsageError(
        "option \(option.spelling) is '\(printableArgument(text))', expected one of \(known)")
    }
    return choice
  }
}

/// The value of digits with an optional minus sign, nothing else.
func decimalInteger(_ text: String) -> Int? {
  let digits = text.utf8.starts(with: "-".utf8) ? text.utf8.dropFirst() : text.utf8[...]
  return isDigits(digits) ? Int(text) : nil
}

/// Whether a text is decimal digits alone, at least one.
func isDigits(_ text: some Collection<UInt8>) -> Bool {
  !text.isEmpty && text.allSatisfy((UInt8(ascii: "0")...UInt8(ascii: "9")).contains)
}

/// An argument as a message shows it.
func printableArgument(_ text: String) -> String { printable(text, limit: 80) }
