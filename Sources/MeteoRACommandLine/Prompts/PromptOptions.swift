import Foundation
import MeteoRA
import MeteoRALlama
import MeteoRASafetensors
import MeteoRATokenizers

/// The options by which a command is given prompts.
enum PromptOptions {
  static let prompt = OptionDeclaration(
    "prompt", "TEXT", "The prompt; write --prompt=TEXT if it begins with two dashes.")
  static let promptFile = OptionDeclaration(
    "prompt-file", "F",
    "A file with the prompt, - for standard input; taken as it is, the last line feed included.")
  static let promptIDs = OptionDeclaration(
    "prompt-ids", "1,2,3", "Token ids, as they are: no special tokens are added.")
  static let promptIDsFile = OptionDeclaration(
    "prompt-ids-file", "F",
    "A JSON object of names and lists of token ids, - for standard input; the prompts run as one "
      + "batch.")
  static let noSpecialTokens = OptionDeclaration(
    flag: "no-special-tokens",
    "Does not add the tokenizer's special tokens, such as BOS, to the text.")

  static let group = OptionGroup(
    "Prompt (one of the first four options)",
    [prompt, promptFile, promptIDs, promptIDsFile, noSpecialTokens])

  /// For every help page of a command that takes prompts.
  static let templateNotice =
    "Chat templates are not applied: a prompt for an instruct model has to be written out with all "
    + "of its special tokens, such as <|start_header_id|>user<|end_header_id|>."

  /// Reads the prompts; text is not tokenised yet.
  static func read(_ arguments: ParsedArguments, console: Console) throws -> PromptRequest {
    let options = [prompt, promptFile, promptIDs, promptIDsFile]
    let given = options.filter(arguments.isGiven)
    guard let option = given.first else {
      throw UsageError(
        "no prompt given: one of \(options.map(\.spelling).joined(separator: ", ")) is needed")
    }
    if given.count > 1 {
      throw UsageError(
        "options \(given[0].spelling) and \(given[1].spelling) are two prompts; give one")
    }
    let value = arguments.text(option) ?? ""
    let isText = option.name == prompt.name || option.name == promptFile.name
    if !isText, arguments.isGiven(noSpecialTokens) {
      throw UsageError(
        "option \(noSpecialTokens.spelling) has no effect with \(option.spelling), to which none "
          + "are added; leave it out")
    }
    switch option.name {
    case prompt.name:
      return PromptRequest(
        source: .text(value, origin: option.spelling),
        addsSpecialTokens: !arguments.isGiven(noSpecialTokens))
    case promptFile.name:
      let file = try TextFile(try arguments.requiredPath(option), console: console)
      return PromptRequest(
        source: .text(try file.text(), origin: file.name),
        addsSpecialTokens: !arguments.isGiven(noSpecialTokens))
    case promptIDs.name:
      return PromptRequest(source: .ids([NamedPrompt(tokens: try ids(value))], file: nil))
    default:
      let file = try TextFile(try arguments.requiredPath(option), console: console)
      return PromptRequest(source: .ids(try named(file), file: file.name))
    }
  }

  /// The file that the prompts come from, if they do; not that of standard input.
  static func filesToRead(_ arguments: ParsedArguments) -> [URL] {
    [promptFile, promptIDsFile].compactMap(arguments.text).filter { $0 != "-" }
      .map { URL(fileURLWithPath: $0, isDirectory: false) }
  }

  /// The file of standard input, if the prompts come from one there.
  static func standardInput(_ arguments: ParsedArguments, console: Console) -> FileIdentity? {
    let isRead = [promptFile, promptIDsFile].contains { arguments.text($0) == "-" }
    return isRead ? console.input.file : nil
  }

  /// Ids between commas, with spaces where one likes.
  private static func ids(_ text: String) throws -> [Int] {
    try text.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      .map { part in
        let space = UInt8(ascii: " ")
        let digits = String(
          decoding: part.drop { $0 == space }.reversed().drop { $0 == space }.reversed(),
          as: UTF8.self)
        if decimalInteger(digits) == nil, isDigits(digits.utf8) {
          throw UsageError(
            "option \(promptIDs.spelling) holds '\(printableArgument(digits))', which is too large "
              + "for a token id")
        }
        guard !digits.isEmpty, let id = decimalInteger(digits), id >= 0 else {
          throw UsageError(
            "option \(promptIDs.spelling) holds '\(printableArgument(digits))', expected token ids "
              + "between commas, such as 1,2,3")
        }
        return id
      }
  }

  private static func named(_ file: TextFile) throws -> [NamedPrompt] {
    let root = try JSONDocument(bytes: file.bytes, source: file.name).root
    var prompts: [NamedPrompt] = []
    for (key, value) in try root.membersValue() {
      let ids = try value.elementsValue().map { try $0.integerValue(in: 0...Int(Int32.max)) }
      prompts.append(NamedPrompt(name: try key.stringValue(), tokens: ids))
    }
    guard !prompts.isEmpty else {
      throw CommandFailure("\(file.name): the object is empty, expected at least one prompt")
    }
    return prompts
  }
}

/// Prompts as the options give them.
struct PromptRequest {
  enum Source {
    case text(String, origin: String)
    /// - Parameter file: `nil` for ids of the command line.
    case ids([NamedPrompt], file: String?)
  }

  var source: Source
  var addsSpecialTokens = true

  /// Whether a tokenizer has to be there.
  var isText: Bool {
    if case .text = source { true } else { false }
  }

  /// The prompts as ids that the model can run.
  ///
  /// - Parameter tokenizer: Has to be there for text.
  /// - Throws: ``CommandFailure`` for a prompt without an id, with one outside the vocabulary, or
  ///   longer than the model's positions.
  func prompts(
    for model: LlamaConfiguration, tokenizer: Tokenizer?
  ) throws -> [NamedPrompt] {
    switch source {
    case .text(let text, let origin):
      let ids = tokenizer?.encode(text, addSpecialTokens: addsSpecialTokens) ?? []
      try Self.validate(ids, origin, model)
      return [NamedPrompt(tokens: ids)]
    case .ids(let prompts, let file):
      for prompt in prompts {
        let name = prompt.name.map { " '\(printable($0))'" } ?? ""
        try Self.validate(
          prompt.tokens, file.map { "\($0): prompt\(name)" } ?? "--prompt-ids", model)
      }
      return prompts
    }
  }

  private static func validate(
    _ ids: [Int], _ subject: String, _ model: LlamaConfiguration
  ) throws {
    do throws(LlamaError) {
      try model.validate(prompt: ids, index: 0)
    } catch .emptyPrompt {
      throw CommandFailure("\(subject): has no token id, expected at least one")
    } catch .promptTooLong(_, let count, let maximum) {
      throw CommandFailure("\(subject): has \(count) token ids, the model has \(maximum) positions")
    } catch .tokenOutOfRange(let id, let position, let size) {
      throw CommandFailure(
        "\(subject): holds the id \(id) at position \(position), expected ids from 0 to \(size - 1)"
      )
    }
  }
}
