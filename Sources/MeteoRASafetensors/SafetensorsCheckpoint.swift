import Foundation

/// The weights of a model folder: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` lists.
///
/// Index and shards must agree on every tensor: each listed one is in its shard, each one in a
/// shard is listed, none is in two shards. All headers are checked when the folder is opened.
public final class SafetensorsCheckpoint: SafetensorsSource {
  /// The path of the folder.
  public let location: String
  /// All tensors: shards in the order in which the index first names them, each in the order of
  /// its data.
  public let tensors: [SafetensorsTensor]
  /// The files, in the order of their tensors.
  public let files: [SafetensorsFile]
  private let positions: [[UInt8]: Int]

  /// Opens the weights of a folder. Where both kinds are present, `model.safetensors` counts, as
  /// for Transformers.
  ///
  /// - Throws: ``SafetensorsError``; a shard that breaks the format throws what
  ///   ``SafetensorsFile/init(contentsOf:)`` throws for it.
  public init(folder: URL) throws(SafetensorsError) {
    let single = folder.appendingPathComponent("model.safetensors")
    let index = folder.appendingPathComponent("model.safetensors.index.json")
    location = folder.path
    let shards: ShardIndex?
    if FileStatus.isThere(single) {
      shards = nil
      files = [try SafetensorsFile(contentsOf: single)]
    } else if FileStatus.isThere(index) {
      let parsed = try ShardIndex(contentsOf: index)
      shards = parsed
      files = try parsed.openShards(in: folder)
    } else {
      throw .noWeights(folder: folder.path)
    }

    var tensors: [SafetensorsTensor] = []
    var positions: [[UInt8]: Int] = [:]
    for (number, file) in files.enumerated() {
      for tensor in file.tensors {
        let name = Array(tensor.name.utf8)
        if let shards, let first = positions[name] {
          throw .tensorInTwoShards(
            index: shards.path, tensor: tensor.name, first: tensors[first].file,
            second: tensor.file)
        }
        try shards?.requireListed(tensor, inShard: number)
        positions[name] = tensors.count
        tensors.append(tensor)
      }
    }
    try shards?.requirePresent(positions)
    self.tensors = tensors
    self.positions = positions
  }

  public func tensorIfPresent(named name: String) -> SafetensorsTensor? {
    positions[Array(name.utf8)].map { tensors[$0] }
  }
}

/// The content of `model.safetensors.index.json`: `{"metadata":{…},"weight_map":{NAME:SHARD,…}}`.
private struct ShardIndex {
  let path: String
  /// The shards' names in the order in which the index first names them.
  private var shards: [(name: String, firstTensor: String)] = []
  /// The tensors in the order of the index, and the number of the shard of each.
  private var listed: [(tensor: [UInt8], shard: Int)] = []
  private var shardOfTensor: [[UInt8]: Int] = [:]

  init(contentsOf url: URL) throws(SafetensorsError) {
    path = url.path
    var numbers: [[UInt8]: Int] = [:]
    do throws(JSONError) {
      let root = try JSONDocument(contentsOf: url).root
      for (key, value) in try root.required("weight_map").membersValue() {
        let shard = try value.utf8Value()
        let tensor = try key.utf8Value()
        let number = numbers[shard] ?? shards.count
        if number == shards.count {
          numbers[shard] = number
          shards.append((try value.stringValue(), try key.stringValue()))
        }
        listed.append((tensor, number))
        shardOfTensor[tensor] = number
      }
    } catch {
      throw .json(error)
    }
    if shards.isEmpty { throw .emptyWeightMap(index: path) }
    for shard in shards where !Self.staysInside(shard.name) {
      throw .shardOutsideFolder(index: path, tensor: shard.firstTensor, shard: shard.name)
    }
  }

  /// Whether a path can only lead into the folder: not absolute, no `..`, no empty parts.
  private static func staysInside(_ shard: String) -> Bool {
    let parts = shard.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    return !shard.utf8.contains(0)
      && parts.allSatisfy { part in
        !part.isEmpty && !part.elementsEqual(".".utf8) && !part.elementsEqual("..".utf8)
      }
  }

  func openShards(in folder: URL) throws(SafetensorsError) -> [SafetensorsFile] {
    var files: [SafetensorsFile] = []
    for shard in shards {
      do throws(SafetensorsError) {
        files.append(
          try SafetensorsFile(contentsOf: folder.appendingPathComponent(shard.name)))
      } catch .inaccessible(.notFound) {
        throw .missingShard(index: path, tensor: shard.firstTensor, shard: shard.name)
      }
    }
    return files
  }

  /// Refuses a tensor of a shard that the index does not list there.
  func requireListed(_ tensor: SafetensorsTensor, inShard number: Int) throws(SafetensorsError) {
    guard let listed = shardOfTensor[Array(tensor.name.utf8)] else {
      throw .tensorNotInIndex(index: path, tensor: tensor.name, shard: shards[number].name)
    }
    if listed != number {
      throw .tensorNotInShard(index: path, tensor: tensor.name, shard: shards[listed].name)
    }
  }

  /// Refuses an index that lists a tensor that no shard holds.
  func requirePresent(_ positions: [[UInt8]: Int]) throws(SafetensorsError) {
    for (tensor, shard) in listed where positions[tensor] == nil {
      throw .tensorNotInShard(
        index: path, tensor: String(decoding: tensor, as: UTF8.self), shard: shards[shard].name)
    }
  }
}
