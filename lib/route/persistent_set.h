// An ordered set that keeps its earlier versions: a change copies the path to what it changes and
// shares everything else. Copying a set is free; changing one of n values costs O(log n).
//
// It is a treap: a binary tree by value, and a heap by a number that is drawn for each node.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/inlined_vector.h"

namespace convoy::route {

// One series of changes to sets that no other thread sees yet. Nodes that it has made already are
// changed in place, so that building a set of n values makes n nodes.
class SetEditor {
 public:
  SetEditor() : id_(NextId()) {}
  SetEditor(const SetEditor&) = delete;
  SetEditor& operator=(const SetEditor&) = delete;

  uint64_t id() const { return id_; }
  // The numbers need only be spread evenly (splitmix64).
  uint64_t Draw() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

 private:
  static uint64_t NextId() {
    static std::atomic<uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  const uint64_t id_;
  uint64_t state_ = id_ * 0xD6E8FEB86659FD93;
};

// `Less` orders values, and values and keys of every type that it is asked with. A version that is
// not being changed may be read by any thread.
template <typename T, typename Less>
class PersistentSet {
 public:
  size_t size() const { return size_; }

  // The value that is equal to `key`, or null. Valid as long as any version that has it.
  template <typename Key>
  const T* Find(const Key& key) const {
    for (const Node* node = root_.get(); node != nullptr;) {
      if (Less()(key, node->value)) {
        node = node->left.get();
      } else if (Less()(node->value, key)) {
        node = node->right.get();
      } else {
        return &node->value;
      }
    }
    return nullptr;
  }

  // How many values are less than `key`. Costs O(log n).
  template <typename Key>
  size_t CountBefore(const Key& key) const {
    size_t count = 0;
    for (const Node* node = root_.get(); node != nullptr;) {
      if (Less()(node->value, key)) {
        count += 1 + CountOf(node->left);
        node = node->right.get();
      } else {
        node = node->left.get();
      }
    }
    return count;
  }

  // Calls `visit` with the values that are not less than `from`, in order, until it says false.
  template <typename Key, typename Visit>
  void ForEachFrom(const Key& from, Visit visit) const {
    VisitFrom(root_.get(), from, visit);
  }
  template <typename Visit>
  void ForEach(Visit visit) const {
    VisitAll(root_.get(), visit);
  }

  // Puts `value` in the place of the one that is equal to it, if any.
  void Put(T value, SetEditor& editor) {
    if (Replace(root_, value, editor)) return;
    Add(root_, std::make_shared<Node>(std::move(value), editor.Draw(), editor.id()), editor);
    ++size_;
  }

  template <typename Key>
  void Erase(const Key& key, SetEditor& editor) {
    if (Find(key) == nullptr) return;
    Remove(root_, key, editor);
    --size_;
  }

 private:
  struct Node;
  using Link = std::shared_ptr<Node>;
  struct Node {
    Node(T value_in, uint64_t rank_in, uint64_t editor_in)
        : value(std::move(value_in)), rank(rank_in), editor(editor_in) {}
    T value;
    uint64_t rank;
    uint64_t editor;   // whose changes may be made in place
    size_t count = 1;  // of the nodes from here down
    Link left, right;
  };
  // Nodes from one down, each above the next, whose counts are to be made right.
  using Path = absl::InlinedVector<Node*, 64>;

  static size_t CountOf(const Link& link) { return link == nullptr ? 0 : link->count; }
  static void Recount(const Path& path) {
    for (auto node = path.rbegin(); node != path.rend(); ++node) {
      (*node)->count = 1 + CountOf((*node)->left) + CountOf((*node)->right);
    }
  }

  // Makes the node behind `link` one that `editor` may change.
  static Node& Own(Link& link, const SetEditor& editor) {
    if (link->editor != editor.id()) {
      link = std::make_shared<Node>(*link);
      link->editor = editor.id();
    }
    return *link;
  }

  template <typename Key, typename Visit>
  static bool VisitFrom(const Node* node, const Key& from, Visit& visit) {
    if (node == nullptr) return true;
    if (Less()(node->value, from)) return VisitFrom(node->right.get(), from, visit);
    return VisitFrom(node->left.get(), from, visit) && visit(node->value) &&
           VisitAll(node->right.get(), visit);
  }

  template <typename Visit>
  static bool VisitAll(const Node* node, Visit& visit) {
    return node == nullptr || (VisitAll(node->left.get(), visit) && visit(node->value) &&
                               VisitAll(node->right.get(), visit));
  }

  // Whether there was an equal value; then it is replaced.
  static bool Replace(Link& link, T& value, SetEditor& editor) {
    Link* place = &link;
    {
      const Node* node = link.get();
      while (node != nullptr) {
        if (Less()(value, node->value)) {
          node = node->left.get();
        } else if (Less()(node->value, value)) {
          node = node->right.get();
        } else {
          break;
        }
      }
      if (node == nullptr) return false;
    }
    while (true) {
      Node& node = Own(*place, editor);
      if (Less()(value, node.value)) {
        place = &node.left;
      } else if (Less()(node.value, value)) {
        place = &node.right;
      } else {
        node.value = std::move(value);
        return true;
      }
    }
  }

  static void Add(Link& link, Link added, SetEditor& editor) {
    Link* place = &link;
    while (*place != nullptr && (*place)->rank >= added->rank) {
      Node& node = Own(*place, editor);
      ++node.count;
      place = Less()(added->value, node.value) ? &node.left : &node.right;
    }
    Split(std::move(*place), added->value, editor, added->left, added->right);
    Recount({added.get()});
    *place = std::move(added);
  }

  // Values that are less than `value` go to `out_left`, the rest to `out_right`.
  static void Split(Link link, const T& value, SetEditor& editor, Link& out_left, Link& out_right) {
    Link* left = &out_left;
    Link* right = &out_right;
    Path path;
    while (link != nullptr) {
      Node& node = Own(link, editor);
      path.push_back(&node);
      if (Less()(node.value, value)) {
        Link next = std::move(node.right);
        *left = std::move(link);
        left = &node.right;
        link = std::move(next);
      } else {
        Link next = std::move(node.left);
        *right = std::move(link);
        right = &node.left;
        link = std::move(next);
      }
    }
    left->reset();
    right->reset();
    Recount(path);
  }

  template <typename Key>
  static void Remove(Link& link, const Key& key, SetEditor& editor) {
    Link* place = &link;
    while (true) {
      Node* node = place->get();
      const bool is_less = Less()(key, node->value);
      if (!is_less && !Less()(node->value, key)) break;
      Node& owned = Own(*place, editor);
      --owned.count;
      place = is_less ? &owned.left : &owned.right;
    }
    Link left = (*place)->left;
    Link right = (*place)->right;
    *place = Merge(std::move(left), std::move(right), editor);
  }

  // Everything in `left` is less than everything in `right`.
  static Link Merge(Link left, Link right, SetEditor& editor) {
    Link merged;
    Link* place = &merged;
    Path path;
    while (left != nullptr && right != nullptr) {
      if (left->rank >= right->rank) {
        Node& node = Own(left, editor);
        path.push_back(&node);
        Link next = std::move(node.right);
        *place = std::move(left);
        place = &node.right;
        left = std::move(next);
      } else {
        Node& node = Own(right, editor);
        path.push_back(&node);
        Link next = std::move(node.left);
        *place = std::move(right);
        place = &node.left;
        right = std::move(next);
      }
    }
    *place = left != nullptr ? std::move(left) : std::move(right);
    Recount(path);
    return merged;
  }

  Link root_;
  size_t size_ = 0;
};

}  // namespace convoy::route
