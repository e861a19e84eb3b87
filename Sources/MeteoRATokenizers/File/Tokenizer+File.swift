import Foundation
import MeteoRASafetensors

extension Tokenizer {
  /// Reads a tokenizer from a file, or from the folder that holds it.
  ///
  /// What a file is, its content says: a `tokenizer.json`, or a `tokenizer.model` of SentencePiece
  /// or of tiktoken. In a folder `tokenizer.json` comes before `tokenizer.model`, and the
  /// `tokenizer_config.json` beside it says which special tokens are added. Beside a SentencePiece
  /// model the files of Transformers can name more tokens, see <doc:TokenizerModelFiles>.
  ///
  /// - Throws: ``TokenizerError`` with the file and the place if the file cannot be read, is
  ///   broken, contradicts itself, or has a feature that is not supported.
  public convenience init(contentsOf url: URL) throws(TokenizerError) {
    if FileKind.isFolder(url) {
      try self.init(folder: url)
    } else {
      self.init(try Self.backend(of: url, configuration: TokenizerConfiguration()))
    }
  }

  /// Reads the tokenizer of a model's folder: `tokenizer.json`, or else `tokenizer.model`.
  ///
  /// - Throws: As ``init(contentsOf:)``.
  public convenience init(folder: URL) throws(TokenizerError) {
    let json = folder.appendingPathComponent("tokenizer.json", isDirectory: false)
    let model = folder.appendingPathComponent("tokenizer.model", isDirectory: false)
    let file = !FileStatus.isThere(json) && FileStatus.isThere(model) ? model : json
    guard FileStatus.isThere(file) || !FileKind.isFolder(folder) else {
      throw .noTokenizer(folder: folder.path)
    }
    let configuration = try TokenizerConfiguration(folder: folder)
    self.init(try Self.backend(of: file, configuration: configuration, folder: folder))
  }

  /// Reads a tokenizer from the bytes of a `tokenizer.json`.
  ///
  /// - Parameters:
  ///   - json: The whole file.
  ///   - source: The name that errors give the file.
  /// - Throws: As ``init(contentsOf:)``.
  public convenience init(
    json: [UInt8], source: String = "tokenizer.json"
  ) throws(TokenizerError) {
    self.init(try TokenizerPipeline(try TokenizerField(json: json, source: source)))
  }

  /// Reads a tokenizer from the bytes of a `tokenizer.model`, of SentencePiece or of tiktoken.
  ///
  /// - Parameters:
  ///   - model: The whole file.
  ///   - source: The name that errors give the file.
  /// - Throws: As ``init(contentsOf:)``.
  public convenience init(
    model: [UInt8], source: String = "tokenizer.model"
  ) throws(TokenizerError) {
    let configuration = TokenizerConfiguration()
    let backend = try model.withUnsafeBufferPointer { bytes throws(TokenizerError) in
      try Self.backend(
        of: UnsafeRawBufferPointer(bytes), source: source, configuration: configuration)
    }
    self.init(backend)
  }

  // MARK: Content

  private static func backend(
    of url: URL, configuration: TokenizerConfiguration, folder: URL? = nil
  ) throws(TokenizerError) -> any TokenizerBackend {
    let file: MappedFile
    do throws(FileAccessError) {
      file = try MappedFile(url)
    } catch {
      throw .unreadable(error)
    }
    return try file.withUnsafeBytes { bytes throws(TokenizerError) in
      try backend(of: bytes, source: file.path, configuration: configuration, folder: folder)
    }
  }

  private static func backend(
    of bytes: UnsafeRawBufferPointer, source: String, configuration: TokenizerConfiguration,
    folder: URL? = nil
  ) throws(TokenizerError) -> any TokenizerBackend {
    switch FileKind(bytes) {
    case .json:
      var pipeline = try TokenizerPipeline(try TokenizerField(bytes, source: source))
      try pipeline.apply(configuration, source: source)
      return pipeline
    case .sentencePiece:
      let file = try SentencePieceFile(bpe: bytes, source: source)
      let vocabulary = try SentencePieceVocabulary(file, in: bytes, source: source)
      if let folder {
        let tokens = try FolderTokens(folder: folder, configuration: configuration)
        if try tokens.decide(over: vocabulary, of: source) {
          let unknown = file.unknownPiece.map { Array(bytes[$0]) } ?? Array("<unk>".utf8)
          return try TokenizerPipeline(vocabulary, unknown: unknown, tokens: tokens, source: source)
        }
      }
      var model = try SentencePieceModel(file, vocabulary: vocabulary, in: bytes, source: source)
      try model.apply(configuration, source: source)
      return model
    case .tiktoken:
      return try TiktokenModel(bytes, source: source)
    }
  }
}

/// What the first bytes of a tokenizer file say.
private enum FileKind {
  case json, sentencePiece, tiktoken

  /// A protobuf message has control characters among its first bytes: the lengths of the first
  /// pieces and the key of a score. The other two are text.
  init(_ bytes: UnsafeRawBufferPointer) {
    let head = bytes.prefix(512)
    let isText = head.allSatisfy { $0 >= 0x20 || (0x09...0x0D).contains($0) }
    if !isText {
      self = .sentencePiece
    } else if let first = head.first(where: { $0 > 0x20 }), TiktokenModel.isBase64(first) {
      self = .tiktoken
    } else {
      self = .json
    }
  }

  static func isFolder(_ url: URL) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
