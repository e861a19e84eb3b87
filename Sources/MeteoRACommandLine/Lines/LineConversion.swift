import Foundation
import MeteoRASafetensors
import MeteoRATokenizers

/// Turns every line of a file of JSON lines into one of another.
///
/// One line is held at a time, so files may be larger than the memory. A line that is broken ends
/// it with the name of the file, the line and the byte.
struct LineConversion {
  let tokenizer: Tokenizer
  let input: String
  /// `nil` for standard output.
  let output: URL?
  let console: Console

  init(_ arguments: ParsedArguments, console: Console) throws {
    input = try arguments.requiredPath(LineOptions.input)
    let path = try arguments.requiredPath(LineOptions.output)
    output = try Paths.outputOrStandard(path, of: LineOptions.output)
    let files = try Paths.any(arguments.requiredPath(LineOptions.tokenizer))
    if let output {
      let inFolder = [
        "tokenizer.json", "tokenizer.model", "tokenizer_config.json", "added_tokens.json",
        "special_tokens_map.json",
      ]
      try Paths.requireOther(
        output,
        than: (input == "-" ? [] : [URL(fileURLWithPath: input)]) + [files]
          + inFolder.map { files.appendingPathComponent($0) },
        standardInput: input == "-" ? console.input.file : nil)
    }
    tokenizer = try Tokenizer(contentsOf: files)
    self.console = console
  }

  /// - Parameters:
  ///   - example: A line as it should be, for messages.
  ///   - convert: From a line's value to that of the line to be written.
  func run(expecting example: String, _ convert: (JSONValue) throws -> JSONOutput) throws {
    let output = try LineOutput(output, console: console)
    let progress = ProgressLine(on: console)
    try console.interruption.gracefully {
      do {
        try InputFile.read(input, console: console) { name, source in
          var reader = LineReader(source, name: name) { console.interruption.isRequested }
          while let line = try reader.next() {
            if console.interruption.isRequested { throw Interrupted() }
            try output.append(try converted(line, expecting: example, convert))
            if line.number % 1000 == 0 { progress.show("\(line.number) lines") }
            if !reader.hasBufferedLine { try output.flush() }
          }
        }
      } catch let error where !(error is OutputFailure) {
        // Lines that are complete may go to standard output; a file stays away.
        try output.flush()
        throw error
      }
      try output.finish()
    }
  }

  private func converted(
    _ line: JSONLine, expecting example: String, _ convert: (JSONValue) throws -> JSONOutput
  ) throws -> JSONOutput {
    do {
      return try convert(try line.object(like: example))
    } catch let error as JSONError {
      throw line.placed(error, example: example)
    } catch let error as TokenizerError {
      throw CommandFailure("\(printable(line.source, limit: 1024)):\(line.number): \(error)")
    }
  }
}

/// A file, pipe or standard input that is read part by part.
private enum InputFile {
  static func read(
    _ path: String, console: Console, _ body: (String, any ByteSource) throws -> Void
  ) throws {
    if path == "-" { return try body("standard input", console.input) }
    _ = try Paths.file(path)
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { throw FileAccessError(code: errno, path: path, operation: "read") }
    defer { close(descriptor) }
    try body(path, DescriptorSource(descriptor, name: path))
  }
}

/// The options of `tokenize` and `detokenize`.
enum LineOptions {
  static let tokenizer = OptionDeclaration(
    "tokenizer", "P",
    "A tokenizer.json or tokenizer.model, or the folder that holds one; tokenizer.json comes "
      + "first. Required.")
  static let input = OptionDeclaration(
    "input", "F",
    "The lines of JSON to be read; - is standard input. An empty line is an error, as every line of "
      + "the output answers one of these. Required.")
  static let output = OptionDeclaration(
    "output", "F",
    "Where lines of JSON are written; - is standard output. A file appears when it is complete; one "
      + "that the command reads is refused. Required.")
  static let skipSpecial = OptionDeclaration(
    flag: "skip-special", "Leaves special tokens out of decoded text.")

  static let files = OptionGroup("Files", [tokenizer, input, output])
}
