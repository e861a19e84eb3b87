import Foundation

/// A parsed JSON document: strict RFC 8259, in the order of the file, decoded when asked.
///
/// Beyond the grammar it refuses what makes two readers disagree about a file: duplicate keys
/// (compared as unescaped bytes, never by Unicode equivalence), lone surrogates, bytes that are not
/// UTF-8, a byte order mark, and nesting deeper than 128. Numbers keep their source text, so that
/// `1` and `1.0` stay different.
///
/// ```swift
/// let config = try JSONDocument(bytes: bytes, source: "config.json").root
/// let theta = try config.optional("rope_theta")?.doubleValue() ?? 10000
/// let layers = try config.required("num_hidden_layers").integerValue(in: 1...1024)
/// ```
package struct JSONDocument: Sendable {
  /// The document's one value.
  package let root: JSONValue
  /// A document has at most this many bytes.
  package static let largestByteCount = JSONParser.largestDocument

  /// Parses a document.
  ///
  /// - Parameters:
  ///   - bytes: The whole document.
  ///   - source: The name that errors give the document, usually the file's.
  /// - Throws: ``JSONError`` with the place of the first byte that breaks the grammar.
  /// - Complexity: O(bytes), in one pass; at most 16 bytes of memory for each value.
  package init(bytes: [UInt8], source: String) throws(JSONError) {
    self.root = JSONValue(tape: try JSONTape(parsing: bytes, source: source), index: 0)
  }

  /// Reads and parses a file.
  ///
  /// - Parameter url: The file; errors give its path.
  /// - Throws: ``JSONError``, of problem `unreadable` for a missing file, a folder, a pipe, ….
  package init(contentsOf url: URL) throws(JSONError) {
    let file: MappedFile
    do throws(FileAccessError) {
      file = try MappedFile(url)
    } catch {
      throw JSONError(unreadable: error, source: url.path)
    }
    self = try file.withUnsafeBytes { bytes throws(JSONError) in
      try JSONDocument(bytes, source: url.path)
    }
  }

  /// Copies and parses the bytes of a file.
  package init(_ bytes: UnsafeRawBufferPointer, source: String) throws(JSONError) {
    // Before the copy: the size of a file says nothing about the memory there is.
    try JSONParser.checkSize(bytes, source: source)
    try self.init(bytes: Array(bytes), source: source)
  }
}
