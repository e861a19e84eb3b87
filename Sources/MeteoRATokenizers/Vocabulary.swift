/// The tokens of a model and their ids, both ways.
///
/// Ids may have gaps and may be as large as 2³² − 2; memory depends on the number of tokens only.
struct Vocabulary: Sendable {
  /// What an id may be: the last value of 32 bits stands for "none".
  static let idBounds = 0...Int(UInt32.max) - 1

  /// The tokens as UTF-8, in the order of the file.
  let tokens: ByteStringTable
  /// The id of each of ``tokens``.
  let ids: [UInt32]
  /// One more than the largest id.
  let idBound: Int
  private let indices: Indices

  /// From an id to the index of its token.
  private enum Indices {
    /// Index + 1 at the place of the id; 0 where no token is.
    case dense([UInt32])
    /// For ids with wide gaps.
    case sparse([UInt32: Int])
  }

  /// Two tokens that claim the same id.
  struct DuplicateID: Error {
    let id: UInt32
    let first: Int
    let second: Int
  }

  /// - Parameters:
  ///   - tokens: The tokens.
  ///   - ids: As many ids.
  init(tokens: ByteStringTable, ids: [UInt32]) throws(DuplicateID) {
    self.tokens = tokens
    self.ids = ids
    idBound = (ids.max().map { Int($0) } ?? -1) + 1
    if Self.areDense(ids.count, below: idBound) {
      var dense = [UInt32](repeating: 0, count: idBound)
      for (index, id) in ids.enumerated() {
        if dense[Int(id)] != 0 {
          throw DuplicateID(id: id, first: Int(dense[Int(id)]) - 1, second: index)
        }
        dense[Int(id)] = UInt32(index + 1)
      }
      indices = .dense(dense)
    } else {
      var sparse: [UInt32: Int] = [:]
      for (index, id) in ids.enumerated() {
        if let first = sparse.updateValue(index, forKey: id) {
          throw DuplicateID(id: id, first: first, second: index)
        }
      }
      indices = .sparse(sparse)
    }
  }

  /// Tokens whose ids are their places.
  init(numbered tokens: ByteStringTable) {
    self.tokens = tokens
    ids = (0..<tokens.count).map { UInt32($0) }
    idBound = tokens.count
    indices = .dense(ids.map { $0 + 1 })
  }

  /// The number of tokens.
  var count: Int { ids.count }

  /// Whether a table with a row for every id is not much larger than the vocabulary.
  var idsAreDense: Bool { Self.areDense(ids.count, below: idBound) }

  private static func areDense(_ count: Int, below bound: Int) -> Bool { bound <= 4 * count + 4096 }

  /// The id of a token.
  func id(of token: UnsafeBufferPointer<UInt8>) -> UInt32? {
    tokens.index(of: token).map { ids[$0] }
  }

  /// The id of a token.
  func id(of token: some Collection<UInt8>) -> UInt32? {
    Array(token).withUnsafeBufferPointer { id(of: $0) }
  }

  /// The token of an id, as UTF-8.
  func token(of id: Int) -> ArraySlice<UInt8>? {
    guard id >= 0, id < idBound else { return nil }
    switch indices {
    case .dense(let dense):
      let index = Int(dense[id]) - 1
      return index < 0 ? nil : tokens[index]
    case .sparse(let sparse):
      return sparse[UInt32(id)].map { tokens[$0] }
    }
  }
}
